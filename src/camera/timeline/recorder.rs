//! The task that records the timelines: a row for each change of a status, and one for each start and stop.
//!
//! In: statuses, the inventory. Out: the watch of [`Timelines`]. Invariant: nothing is written while nothing happens.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Timelines;
use super::strips::{MOST, Run, Strips, horizon, run_mark};
use crate::camera::{CameraId, Inventory, Statuses};
use crate::store::timeline::Mark;
use crate::store::{Store, StoreError};

/// Changes of so long go to disk together: a switch that restarts changes many cameras at once.
const GATHER: Duration = Duration::from_secs(2);

/// The task.
pub struct Recorder {
    store: Store,
    inventory: watch::Receiver<Inventory>,
    statuses: watch::Receiver<Statuses>,
    timelines: watch::Sender<Timelines>,
    strips: Strips,
    unwritten: Vec<Mark>,
    write_at: Option<Instant>,
    failing: bool,
}

impl Recorder {
    /// A recorder and what it will tell.
    #[must_use]
    pub fn new(
        store: Store,
        inventory: watch::Receiver<Inventory>,
        statuses: watch::Receiver<Statuses>,
    ) -> (Self, watch::Receiver<Timelines>) {
        let (timelines, seen) = watch::channel(Timelines::new());
        let recorder = Self {
            store,
            inventory,
            statuses,
            timelines,
            strips: Strips::default(),
            unwritten: Vec::new(),
            write_at: None,
            failing: false,
        };
        (recorder, seen)
    }

    /// Records until no status can change any more.
    pub async fn run(mut self) {
        self.restore().await;
        self.statuses.mark_changed();
        let mut cameras_may_change = true;
        loop {
            tokio::select! {
                // The cameras of a status come first.
                biased;
                changed = self.inventory.changed(), if cameras_may_change => {
                    cameras_may_change = changed.is_ok();
                    self.set_cameras().await;
                }
                changed = self.statuses.changed() => match changed {
                    Ok(()) => self.see(),
                    Err(_the_tracker_has_ended) => break,
                },
                () = sleep_until(self.write_at.unwrap_or_else(Instant::now)), if self.write_at.is_some() => self.write().await,
            }
        }
        self.unwritten.push(run_mark(Run::Stopped, Timestamp::now()));
        self.write().await;
    }

    async fn restore(&mut self) {
        let now = Timestamp::now();
        let kept = self.store.timelines().await;
        self.note(kept.as_ref().err());
        let cameras = self.cameras();
        self.strips = Strips::restore(cameras.iter().cloned(), &kept.unwrap_or_default(), now);
        self.timelines.send_replace(self.strips.all());
        self.unwritten.push(run_mark(Run::Started, now));
        self.write().await;
        self.forget_others(&cameras).await;
    }

    async fn set_cameras(&mut self) {
        let cameras = self.cameras();
        // What is unwritten of a camera that is gone must not come after the clearing.
        self.write().await;
        self.strips.set_cameras(cameras.iter().cloned(), Timestamp::now());
        self.timelines.send_if_modified(|shown| {
            let all = self.strips.all();
            let news = *shown != all;
            *shown = all;
            news
        });
        self.forget_others(&cameras).await;
        self.statuses.mark_changed();
    }

    fn see(&mut self) {
        let now = Timestamp::now();
        let statuses = self.statuses.borrow_and_update();
        let mut changed: Vec<CameraId> = Vec::new();
        for (camera, state) in statuses.iter() {
            if let Some(mark) = self.strips.see(camera, state, now) {
                self.unwritten.push(mark);
                changed.push(camera.clone());
            }
        }
        drop(statuses);
        if changed.is_empty() {
            return;
        }
        self.write_at.get_or_insert_with(|| Instant::now() + GATHER);
        self.timelines.send_modify(|shown| {
            for camera in changed {
                if let Some(strip) = self.strips.of(&camera) {
                    shown.insert(camera, strip);
                }
            }
        });
    }

    async fn write(&mut self) {
        self.write_at = None;
        let marks = std::mem::take(&mut self.unwritten);
        if marks.is_empty() {
            return;
        }
        let horizon = horizon(Timestamp::now()).as_millisecond();
        let written = self.store.keep(marks, horizon, MOST as u64).await;
        self.note(written.err().as_ref());
    }

    async fn forget_others(&mut self, cameras: &[CameraId]) {
        let cameras = cameras.iter().map(|camera| camera.as_str().to_owned()).collect();
        let forgotten = self.store.keep_only(cameras).await;
        self.note(forgotten.err().as_ref());
    }

    fn cameras(&mut self) -> Vec<CameraId> {
        self.inventory.borrow_and_update().iter().map(|camera| camera.id.clone()).collect()
    }

    /// What cannot be written is shown all the same, until the next start. Said once.
    fn note(&mut self, error: Option<&StoreError>) {
        let was_failing = std::mem::replace(&mut self.failing, error.is_some());
        if let (Some(error), false) = (error, was_failing) {
            tracing::warn!(%error, "The cameras' timelines cannot be kept; the next start will not know them");
        }
    }
}
