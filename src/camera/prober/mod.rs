//! Probes cameras: the task that decides when, and the two ways how.
//!
//! In: the inventory, and requests to probe now. Out: reports. Invariant: a probe that was started ends in exactly one
//! report, unless its camera was removed or changed meanwhile, the task was stopped, or the failure was our own (`weariness`).

mod develop;
mod figures;
mod habits;
mod login;
pub(super) mod place;
mod rtsp;
mod schedule;
mod snapshot;
mod tls;
mod visit;
mod weariness;
mod whereabouts;

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, error, info_span};

#[doc(hidden)]
pub use self::rtsp::understand;
use self::schedule::{End, Schedule, Ticket};
pub use self::visit::{Clients, Wish, probe};
use super::{CameraId, Failure, Inventory, Reason, Report, Sighting};

/// Asks for a probe now, out of turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeRequest {
    /// Of one camera.
    One(CameraId),
    /// Of all of them.
    All,
}

/// From one measurement of a camera's figures to the next.
const FIGURES_EVERY: Duration = Duration::from_secs(295);

/// Bytes that the pictures of all cameras may take together: they are kept to be sent again after a restart of Home Assistant.
const ALL_PICTURES: usize = 16 * 1_024 * 1_024;
/// The largest and the smallest share of one camera.
const ONE_PICTURE: RangeInclusive<usize> = 16 * 1_024..=1_024 * 1_024;

/// The bytes that each of so many cameras may use for its picture: up to 100 cameras have room for a good one of 1280 pixels.
#[must_use]
pub fn picture_limit(cameras: usize) -> usize {
    (ALL_PICTURES / cameras.max(1)).clamp(*ONE_PICTURE.start(), *ONE_PICTURE.end())
}

/// The prober task. Ends when `stop` is cancelled or nobody takes reports any more; probes under way are aborted.
pub async fn run(
    mut inventory: watch::Receiver<Inventory>,
    mut requests: mpsc::Receiver<ProbeRequest>,
    reports: mpsc::Sender<Report>,
    stop: CancellationToken,
) {
    let mut prober = Prober::new();
    prober.set_inventory(&inventory.borrow_and_update());
    loop {
        prober.start_due();
        let wake = prober.schedule.next_due();
        let report = tokio::select! {
            () = stop.cancelled() => break,
            Ok(()) = inventory.changed() => {
                prober.set_inventory(&inventory.borrow_and_update());
                None
            }
            Some(request) = requests.recv() => {
                prober.schedule.request(&request, now());
                None
            }
            Some(ended) = prober.probes.join_next_with_id() => prober.finish(ended),
            () = tokio::time::sleep_until(wake.unwrap_or_else(std::time::Instant::now).into()), if wake.is_some() => None,
        };
        let Some(report) = report else { continue };
        if !matches!(stop.run_until_cancelled(reports.send(report)).await, Some(Ok(()))) {
            break;
        }
    }
    prober.probes.shutdown().await;
}

type Outcome = Result<Sighting, Failure>;

/// Owns the probes under way.
struct Prober {
    clients: Clients,
    schedule: Schedule,
    picture_limit: usize,
    /// When each camera's figures were measured last.
    measured: HashMap<CameraId, Instant>,
    /// How many failures of each camera in a row were our own.
    doubted: HashMap<CameraId, u32>,
    /// What each probe came to, and by how much our timers were late.
    probes: JoinSet<(Outcome, Duration)>,
    /// Which probe a task of the set is.
    running: HashMap<Id, Running>,
}

struct Running {
    camera: CameraId,
    ticket: Ticket,
    figures: bool,
    abort: AbortHandle,
}

impl Prober {
    fn new() -> Self {
        Self {
            clients: Clients::new(),
            schedule: Schedule::new(now()),
            picture_limit: picture_limit(0),
            measured: HashMap::new(),
            doubted: HashMap::new(),
            probes: JoinSet::new(),
            running: HashMap::new(),
        }
    }

    fn set_inventory(&mut self, inventory: &Inventory) {
        self.schedule.set_inventory(inventory, now());
        self.picture_limit = picture_limit(inventory.len());
        self.measured.retain(|camera, _| inventory.get(camera).is_some());
        self.doubted.retain(|camera, _| inventory.get(camera).is_some());
        let outdated: Vec<Ticket> = self.schedule.outdated().collect();
        for probe in self.running.values().filter(|probe| outdated.contains(&probe.ticket)) {
            probe.abort.abort();
        }
    }

    /// Figures are told every few minutes at most, so they are not measured more often: a probe that takes four times as long
    /// would keep hundreds of cameras from their turn.
    fn wants_figures(&self, camera: &CameraId) -> bool {
        self.measured.get(camera).is_none_or(|at| at.elapsed() >= FIGURES_EVERY)
    }

    fn start_due(&mut self) {
        while let Some((camera, ticket)) = self.schedule.start_next(now()) {
            let id = camera.id.clone();
            let clients = self.clients.clone();
            let span = info_span!("probe", camera.id = %id);
            let wish = Wish { picture_limit: self.picture_limit, figures: self.wants_figures(&id) };
            let looking = async move { weariness::measured(probe(&clients, &camera, wish)).await };
            let abort = self.probes.spawn(looking.instrument(span));
            self.running.insert(abort.id(), Running { camera: id, ticket, figures: wish.figures, abort });
        }
    }

    /// Turns the end of a task into a report, if it is still wanted.
    fn finish(&mut self, ended: Result<(Id, (Outcome, Duration)), JoinError>) -> Option<Report> {
        let (task, outcome, late) = match ended {
            Ok((task, (outcome, late))) => (task, Some(outcome), late),
            Err(cut_short) => (cut_short.id(), panicked(cut_short).map(Err), Duration::ZERO),
        };
        let Running { camera, ticket, figures, .. } = self.running.remove(&task)?;
        if figures && matches!(outcome, Some(Ok(_))) {
            self.measured.insert(camera.clone(), Instant::now());
        }
        let end = if matches!(outcome, Some(Ok(_))) { End::Good } else { End::Failed };
        let counts = self.schedule.ended(&camera, ticket, end, now());
        let is_believed = outcome.as_ref().is_none_or(|outcome| self.believes(&camera, outcome, late));
        outcome.filter(|_| counts && is_believed).map(|outcome| Report { camera, at: Timestamp::now(), outcome })
    }
}

impl Prober {
    /// Whether a probe says something of the camera, and not of a machine that is too busy to look.
    fn believes(&mut self, camera: &CameraId, outcome: &Outcome, late: Duration) -> bool {
        let before = self.doubted.get(camera).copied().unwrap_or(0);
        match outcome {
            Err(failure) if weariness::is_ours(failure, late, before) => {
                self.doubted.insert(camera.clone(), before + 1);
                debug!(camera.id = %camera, ?late, detail = failure.detail, "This machine was too busy to look at a camera");
                false
            }
            _ => {
                self.doubted.remove(camera);
                true
            }
        }
    }
}

/// A panic is the failure of one camera, not the end of all probing. `None` for a probe that we aborted ourselves.
fn panicked(cut_short: JoinError) -> Option<Failure> {
    let panic = cut_short.try_into_panic().ok()?;
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    error!(panic = text.unwrap_or("unknown"), "A probe panicked; please report this");
    Some(Failure::new(Reason::Protocol, "The camera sent something that Camera Herald stumbled over: please report it"))
}

/// The clock of the runtime, so that tests may pause it.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::inventory::tests::streaming;

    #[tokio::test]
    async fn a_probe_that_panics_is_a_failure_of_its_camera_and_no_more() {
        let mut prober = Prober::new();
        prober.schedule.set_inventory(&Inventory::new([streaming("front")]), now());
        let (camera, ticket) = prober.schedule.start_next(now()).unwrap();
        let abort = prober.probes.spawn(async { panic!("on purpose") });
        prober.running.insert(abort.id(), Running { camera: camera.id.clone(), ticket, figures: false, abort });

        let ended = prober.probes.join_next_with_id().await.unwrap();
        let report = prober.finish(ended).expect("a report");
        assert_eq!(report.camera, camera.id);
        assert_eq!(report.outcome.unwrap_err().reason, Reason::Protocol);
        assert!(prober.schedule.next_due().is_some(), "it is probed again");
    }

    #[tokio::test]
    async fn a_probe_that_was_aborted_has_no_report() {
        let mut prober = Prober::new();
        prober.schedule.set_inventory(&Inventory::new([streaming("front")]), now());
        prober.start_due();
        prober.set_inventory(&Inventory::default());
        let ended = prober.probes.join_next_with_id().await.unwrap();
        assert_eq!(prober.finish(ended), None);
        assert!(prober.running.is_empty());
    }
}
