//! What is under way on one connection, for those who feed it and for those who read from it.

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::scan::Scan;
use super::window::Window;
use crate::broker::PublishError;
use crate::broker::handle::Message;

/// Who waits for an acknowledgement. Dropping it frees the slot and tells the owner that the link is down.
pub(super) struct Waiter {
    topic: String,
    size: usize,
    done: oneshot::Sender<Result<(), PublishError>>,
    _slot: OwnedSemaphorePermit,
}

/// What both halves know.
pub(super) struct Traffic {
    pub(super) window: Window<Waiter>,
    pub(super) scans: Vec<Scan>,
    /// The readers of received messages are behind.
    pub(super) dropping: bool,
}

impl Waiter {
    pub(super) fn new(
        message: &Message,
        done: oneshot::Sender<Result<(), PublishError>>,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        Self { topic: message.topic.clone(), size: message.payload.len(), done, _slot: slot }
    }

    pub(super) fn answer(self, refusal: Option<String>) {
        let outcome = match refusal {
            None => Ok(()),
            Some(reason) => Err(PublishError::Refused { topic: self.topic, reason }),
        };
        let _nobody_waits = self.done.send(outcome);
    }
}

impl Traffic {
    pub(super) fn new() -> Self {
        Self { window: Window::new(), scans: Vec::new(), dropping: false }
    }

    pub(super) fn largest_under_way(&self) -> usize {
        self.window.waiting().map(|waiter| waiter.size).max().unwrap_or(0)
    }
}
