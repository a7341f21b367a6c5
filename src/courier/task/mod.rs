//! The courier's task. It moves what [`super::gate`] and [`super::line`] let through; it never waits for the disk or a decoder.

mod choose;
mod epoch;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::age::Age;
use super::album::Album;
use super::fetch::{BATCH, Fetch, Fetched};
use super::flight::Landed;
use super::line::Line;
use super::load::Load;
use super::marks::Marks;
use super::shown::Shown;
use crate::broker::{Handle, Lease, LinkLost, Message, Permit};
use crate::camera::{CameraId, Inventory, Pictures};
use crate::events::outbox::{Histories, Outbox};
use crate::homeassistant::{Leaf, Presence, Topics};
use crate::mirror::Announced;

/// Wait after the database failed.
const STORE_WAIT: Duration = Duration::from_secs(2);

/// What the courier listens to. The end of the histories is the courier's end.
pub(crate) struct Sources {
    /// The desired cameras.
    pub inventory: watch::Receiver<Inventory>,
    /// Their pasts.
    pub histories: watch::Receiver<Histories>,
    /// Their newest pictures.
    pub pictures: watch::Receiver<Pictures>,
    /// What was announced last.
    pub announced: watch::Receiver<Option<Announced>>,
    /// Whether Home Assistant listens.
    pub presence: watch::Receiver<Presence>,
    /// Events that wait.
    pub outbox: Outbox,
    /// Told which announcement was taken over: nothing is sent any more to cameras that are not part of it.
    pub adopted: watch::Sender<u64>,
}

/// The task.
pub(crate) struct Courier {
    topics: Topics,
    handle: Handle,
    sources: Sources,
    stale_after: SignedDuration,
    /// The right to send, once the epoch was announced.
    lease: Option<Lease>,
    cameras: Arc<BTreeSet<CameraId>>,
    line: Line,
    shown: Shown,
    album: Album,
    fetch: Fetch,
    load: Load,
    marks: Marks,
    /// The announcement that is taken over when so many have landed.
    adopting: Option<(u64, u64)>,
    pictures_from: Instant,
    fires_from: Instant,
    age: Age,
    /// The line is looked at: not before, and then only when something changed.
    look: Option<Instant>,
}

impl Courier {
    /// A courier that has sent nothing. An event older than `stale_after` does not fire.
    #[must_use]
    pub(crate) fn new(topics: Topics, handle: Handle, sources: Sources, stale_after: Duration) -> Self {
        let now = Instant::now();
        Self {
            topics,
            handle,
            stale_after: SignedDuration::try_from(stale_after).unwrap_or(SignedDuration::MAX),
            lease: None,
            cameras: Arc::default(),
            line: Line::default(),
            shown: Shown::default(),
            album: Album::default(),
            fetch: Fetch::new(sources.outbox.clone()),
            load: Load::new(now),
            marks: Marks::new(sources.outbox.clone()),
            adopting: None,
            pictures_from: now,
            fires_from: now,
            age: Age::new(Timestamp::now(), now),
            look: None,
            sources,
        }
    }

    /// Brings events until no history can change any more. What waits in the outbox then stays on disk.
    pub(crate) async fn run(mut self) {
        let mut waiting = self.sources.outbox.waiting();
        let mut link = self.handle.link();
        waiting.mark_changed();
        loop {
            let lease = self.lease.clone();
            let due = self.prepare(Instant::now());
            let outcome = tokio::select! {
                // The end of an epoch is seen before anything is sent into it; a lease that is over would refuse it anyway.
                biased;
                Ok(()) = link.changed() => { self.see_link(&link.borrow_and_update()); Ok(()) }
                changed = self.sources.histories.changed() => match changed {
                    Ok(()) => { self.see_histories(); Ok(()) }
                    Err(_closed) => break,
                },
                Ok(()) = self.sources.announced.changed() => { self.adopt(); Ok(()) }
                Ok(()) = self.sources.presence.changed() => { self.look_now(); Ok(()) }
                Ok(()) = self.sources.inventory.changed() => { self.look_now(); Ok(()) }
                Ok(()) = self.sources.pictures.changed() => { self.see_pictures(); Ok(()) }
                Ok(()) = waiting.changed() => { self.line.hear(*waiting.borrow_and_update()); self.look_now(); Ok(()) }
                landed = self.load.next_landing() => { self.land(landed); Ok(()) }
                marked = self.marks.marked() => marked.map(|rows| self.mark(&rows)),
                fetched = self.fetch.next() => fetched.map(|fetched| self.take(fetched)),
                permit = place(lease.as_ref(), due), if due.is_some() => { self.send(permit); Ok(()) }
            };
            if let Err(error) = outcome {
                tracing::error!(%error, "The outbox cannot be read or marked on disk; trying again");
                self.look = Some(Instant::now() + STORE_WAIT);
            }
        }
        self.settle().await;
    }

    fn look_now(&mut self) {
        self.look = Some(Instant::now());
    }

    fn see_histories(&mut self) {
        self.shown.look_again();
        // A camera that is no longer active shows its own picture again.
        self.see_pictures();
    }

    fn see_pictures(&mut self) {
        let (pictures, histories) =
            (self.sources.pictures.borrow_and_update(), self.sources.histories.borrow_and_update());
        self.album.look(&pictures, &histories, |camera| self.cameras.contains(camera));
    }

    fn land(&mut self, landed: Result<Landed, LinkLost>) {
        match landed {
            Ok(Landed::Again) => {}
            Ok(Landed::Event(row)) => {
                self.line.landed(row);
                self.marks.add(row);
            }
            Err(LinkLost) => return self.lose_lease(),
        }
        self.adopt_if_landed();
        self.look_now();
    }

    /// One transaction may have marked these and taken others in, so it is only now that a number tells of them.
    fn mark(&mut self, rows: &[i64]) {
        self.line.marked(rows);
        self.line.hear(*self.sources.outbox.waiting().borrow());
        self.look_now();
    }

    fn take(&mut self, fetched: Fetched) {
        match fetched {
            Fetched::Events(events) => self.line.read(events, BATCH),
            Fetched::Portrait { camera, made_from, fitted } => {
                let is_news = self.album.done(&camera, made_from, fitted.is_ok());
                match fitted {
                    Ok(payload) => {
                        let topic = self.topics.camera(&camera, Leaf::Snapshot);
                        if self.cameras.contains(&camera) {
                            self.load.put_again(Message { topic, payload, retain: false });
                        }
                    }
                    Err(error) if is_news => tracing::warn!(camera.id = %camera, error, "The picture is not sent"),
                    Err(_said) => {}
                }
            }
            Fetched::Nothing => {}
        }
        self.look_now();
    }

    /// The end: what the broker acknowledges is marked.
    async fn settle(&mut self) {
        while !self.load.is_empty() {
            let landed = self.load.next_landing().await;
            self.land(landed);
        }
        while !self.line.is_settled() {
            self.marks.start();
            match self.marks.marked().await {
                Ok(rows) => self.line.marked(&rows),
                Err(error) => {
                    tracing::error!(%error, "Delivered events cannot be marked on disk; they will be sent again");
                    break;
                }
            }
        }
    }
}

async fn place(lease: Option<&Lease>, due: Option<Instant>) -> Result<Permit<'_>, LinkLost> {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
    lease.ok_or(LinkLost)?.permit().await
}
