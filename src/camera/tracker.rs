//! Turns reports into statuses.
//!
//! In: the inventory and reports. Out: the state and the newest picture of every camera, and one log line per change of a status.
//! Invariant: the cameras of both are those of the latest inventory. What a report means is decided in [`super::status`].

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tracing::{debug, info, warn};

use super::{
    CameraId, Change, Failure, Fleet, Inventory, LastProbe, LastProbes, Picture, Pictures, ProbeFigures, Report,
    Sighting, Status, Statuses,
};

/// What the tracker tells.
#[derive(Debug, Default)]
pub struct Told {
    /// The state of every camera.
    pub statuses: watch::Sender<Statuses>,
    /// The newest picture of every camera that has one.
    pub pictures: watch::Sender<Pictures>,
    /// What the newest probe of every camera came to.
    pub probes: watch::Sender<LastProbes>,
    /// Counts of probes.
    pub figures: Arc<ProbeFigures>,
}

/// The tracker task. Ends when nobody sends reports any more.
pub async fn run(mut inventory: watch::Receiver<Inventory>, mut reports: mpsc::Receiver<Report>, told: Told) {
    let mut fleet = Fleet::default();
    fleet.set_inventory(&inventory.borrow_and_update(), Timestamp::now());
    publish_all(&fleet, &told.statuses);
    loop {
        tokio::select! {
            // The prober hears of a camera before it reports on it; so must we.
            biased;
            Ok(()) = inventory.changed() => {
                fleet.set_inventory(&inventory.borrow_and_update(), Timestamp::now());
                publish_all(&fleet, &told.statuses);
                forget_others(&fleet, &told);
            }
            report = reports.recv() => match report {
                Some(report) => take(&mut fleet, &report, &told),
                None => return,
            },
        }
    }
}

fn take(fleet: &mut Fleet, report: &Report, told: &Told) {
    told.figures.count(report);
    let obstacle_before = obstacle(fleet, report);
    let change = fleet.observe(report);
    match (&change, &report.outcome) {
        (Some(change), _) => log(change),
        (None, Err(failure)) => {
            debug!(camera.id = %report.camera, reason = failure.reason.as_str(), detail = failure.detail, "A probe failed");
        }
        (None, Ok(_)) => {}
    }
    let Some(state) = fleet.state(&report.camera) else { return };
    let obstacle = obstacle(fleet, report);
    if obstacle != obstacle_before
        && let Some(obstacle) = obstacle
    {
        warn!(camera.id = %report.camera, "There is no picture: {obstacle}");
    }
    if let Some(glimpse) = report.outcome.as_ref().ok().and_then(Sighting::glimpse) {
        let picture = Picture { jpeg: glimpse.jpeg.clone(), taken_at: report.at };
        told.pictures.send_modify(|all| drop(all.insert(report.camera.clone(), picture)));
    }
    told.probes.send_modify(|all| drop(all.insert(report.camera.clone(), LastProbe::of(report))));
    told.statuses.send_if_modified(|shown| {
        let news = shown.get(&report.camera) != Some(state);
        if news {
            shown.insert(report.camera.clone(), state.clone());
        }
        news
    });
}

fn obstacle(fleet: &Fleet, report: &Report) -> Option<Arc<str>> {
    let state = fleet.state(&report.camera)?;
    // Of any other status it is the reason, and was said with it.
    let seen = state.sighting.as_ref().filter(|_| state.status == Status::Online)?;
    seen.obstacle().cloned()
}

/// What a camera that is gone has shown is not shown any more.
fn forget_others(fleet: &Fleet, told: &Told) {
    told.pictures.send_if_modified(|all| forget(fleet, all));
    told.probes.send_if_modified(|all| forget(fleet, all));
}

/// Returns whether anything was forgotten.
fn forget<T>(fleet: &Fleet, all: &mut BTreeMap<CameraId, T>) -> bool {
    let before = all.len();
    all.retain(|camera, _| fleet.state(camera).is_some());
    all.len() != before
}

fn publish_all(fleet: &Fleet, statuses: &watch::Sender<Statuses>) {
    let all = fleet.statuses();
    statuses.send_if_modified(|shown| {
        let news = *shown != all;
        *shown = all;
        news
    });
}

fn log(change: &Change) {
    let Change { camera, status, failure, .. } = change;
    let (status, sentence) = (status.as_str(), sentence(change));
    match failure {
        None => info!(camera.id = %camera, status, "{sentence}"),
        Some(Failure { reason, detail }) => {
            warn!(camera.id = %camera, status, reason = reason.as_str(), detail, "{sentence}");
        }
    }
}

/// A line that reads alone: `Front door is offline: nothing listens on 10.0.0.5:554: check …`.
fn sentence(Change { name, status, failure, .. }: &Change) -> String {
    let status = in_words(*status);
    match failure {
        None => format!("{name} {status}"),
        Some(failure) => format!("{name} {status}: {}", lower_first(&failure.detail)),
    }
}

fn in_words(status: Status) -> &'static str {
    match status {
        Status::Online => "is online",
        Status::Unknown => "is unknown",
        Status::Offline => "is offline",
        Status::Unauthorized => "refuses us",
        Status::NoVideo => "sends no video",
        Status::Frozen => "shows a frozen picture",
    }
}

/// The beginning of a sentence, for use in the middle of one.
fn lower_first(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::camera::inventory::tests::streaming;
    use crate::camera::{CameraState, Reason, Sighting};

    fn id(name: &str) -> CameraId {
        CameraId::new(name).unwrap()
    }

    fn inventory(names: &[&str]) -> Inventory {
        Inventory::new(names.iter().map(|name| streaming(name)))
    }

    #[test]
    fn the_log_line_of_a_change_reads_alone() {
        let detail = "Nothing listens on 10.0.0.5:554: check address and port".to_owned();
        let mut change = Change {
            camera: id("front"),
            name: "Front door".to_owned(),
            before: Status::Online,
            status: Status::Offline,
            failure: Some(Failure { reason: Reason::Refused, detail }),
        };
        assert_eq!(sentence(&change), "Front door is offline: nothing listens on 10.0.0.5:554: check address and port");
        change = Change { status: Status::Online, failure: None, ..change };
        assert_eq!(sentence(&change), "Front door is online");
    }

    #[tokio::test]
    async fn the_statuses_are_those_of_the_inventory() {
        let (cameras, watched) = watch::channel(inventory(&["front"]));
        let (reports, reported) = mpsc::channel(1);
        let told = Told::default();
        let (mut statuses, probes) = (told.statuses.subscribe(), told.probes.subscribe());
        let task = run(watched, reported, told);
        let story = async {
            let first = statuses.wait_for(|all| all.len() == 1).await.unwrap().clone();
            assert_eq!(first[&id("front")], CameraState::unknown(first[&id("front")].since));

            cameras.send(inventory(&["garden"])).unwrap();
            statuses.wait_for(|all| all.contains_key(&id("garden")) && all.len() == 1).await.unwrap();

            let at = Timestamp::now();
            let late = Report { camera: id("front"), at, outcome: Ok(Sighting::default()) };
            reports.send(late.clone()).await.unwrap();
            reports.send(Report { camera: id("garden"), ..late }).await.unwrap();
            drop(reports);
            let seen = |all: &Statuses| all[&id("garden")].status == Status::Online;
            assert_eq!(statuses.wait_for(seen).await.unwrap().len(), 1, "a removed camera does not come back");
            let outcome = Ok(Duration::ZERO);
            assert_eq!(*probes.borrow(), LastProbes::from([(id("garden"), LastProbe { at, outcome })]));
        };
        tokio::join!(task, story);
    }
}
