//! Turns reports into statuses.
//!
//! In: the inventory and reports. Out: the state of every camera, and one log line per change of a status. Invariant:
//! the cameras of the statuses are those of the latest inventory. What a report means is decided in [`super::status`].

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tracing::{debug, info, warn};

use super::{Change, Fleet, Inventory, Report, Status, Statuses};

/// The tracker task. Ends when nobody sends reports any more.
pub async fn run(
    mut inventory: watch::Receiver<Inventory>,
    mut reports: mpsc::Receiver<Report>,
    statuses: watch::Sender<Statuses>,
) {
    let mut fleet = Fleet::default();
    fleet.set_inventory(&inventory.borrow_and_update(), Timestamp::now());
    publish_all(&fleet, &statuses);
    loop {
        tokio::select! {
            // The prober hears of a camera before it reports on it; so must we.
            biased;
            Ok(()) = inventory.changed() => {
                fleet.set_inventory(&inventory.borrow_and_update(), Timestamp::now());
                publish_all(&fleet, &statuses);
            }
            report = reports.recv() => match report {
                Some(report) => take(&mut fleet, &report, &statuses),
                None => return,
            },
        }
    }
}

fn take(fleet: &mut Fleet, report: &Report, statuses: &watch::Sender<Statuses>) {
    let change = fleet.observe(report);
    match (&change, &report.outcome) {
        (Some(change), _) => log(change),
        (None, Err(failure)) => {
            debug!(camera.id = %report.camera, reason = failure.reason.as_str(), detail = failure.detail, "A probe failed");
        }
        (None, Ok(_)) => {}
    }
    let Some(state) = fleet.state(&report.camera) else { return };
    statuses.send_if_modified(|shown| {
        let news = shown.get(&report.camera) != Some(state);
        if news {
            shown.insert(report.camera.clone(), state.clone());
        }
        news
    });
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
    let Change { camera, name, status, failure, .. } = change;
    match failure {
        None => info!(camera.id = %camera, status = status.as_str(), "{name} {}", in_words(*status)),
        Some(failure) => warn!(
            camera.id = %camera,
            status = status.as_str(),
            reason = failure.reason.as_str(),
            detail = failure.detail,
            "{name} {}: {}", in_words(*status), lower_first(&failure.detail),
        ),
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
