//! What goes to disk in one transaction, and who is told when it is there.

use tokio::sync::{mpsc, oneshot};

use super::body::body;
use super::history::Happened;
use super::queue::Delivery;
use crate::camera::{CameraId, Inventory};
use crate::events::door::{Accepted, Event, Refused, Submission};
use crate::store::events::NewEvent;

/// Events of one transaction. More would make the first of them wait for the last.
const EVENTS: usize = 256;
/// Bytes of one transaction, except when a single event is larger.
const BYTES: u64 = 4 * 1_024 * 1_024;

/// Who waits for an event, and what the history needs of it.
pub(super) struct Pending {
    pub(super) camera: CameraId,
    pub(super) happened: Happened,
    pub(super) answer: oneshot::Sender<Result<Accepted, Refused>>,
}

/// A transaction to be.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) events: Vec<NewEvent>,
    /// One for each event, in their order.
    pub(super) pending: Vec<Pending>,
    pub(super) delivery: Option<Delivery>,
    bytes: u64,
}

impl Batch {
    pub(super) fn push(&mut self, submission: Submission, inventory: &Inventory) {
        let Submission { event, answer } = submission;
        let happened = Happened::new(&event);
        let name = inventory.get(&event.camera).map_or(event.camera.as_str(), |camera| &camera.name);
        let new = written(&event, &happened, name);
        self.bytes += new.size();
        self.events.push(new);
        self.pending.push(Pending { camera: event.camera, happened, answer });
    }

    /// Takes along what waits.
    pub(super) fn fill(
        &mut self,
        submissions: &mut mpsc::Receiver<Submission>,
        deliveries: &mut mpsc::Receiver<Delivery>,
        inventory: &Inventory,
    ) {
        if self.delivery.is_none() {
            self.delivery = deliveries.try_recv().ok();
        }
        while self.events.len() < EVENTS && self.bytes < BYTES {
            let Ok(submission) = submissions.try_recv() else { break };
            self.push(submission, inventory);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.delivery.is_none()
    }
}

fn written(event: &Event, happened: &Happened, name: &str) -> NewEvent {
    NewEvent {
        camera: event.camera.as_str().to_owned(),
        event_id: event.event_id.clone(),
        timestamp: event.timestamp.as_millisecond(),
        received: event.received.as_millisecond(),
        happened: happened.at.as_millisecond(),
        kind: event.kind.as_str(),
        body: serde_json::Value::Object(body(event, name)).to_string(),
        picture: event.picture.clone(),
    }
}
