//! What is under way on one connection, for those who feed it and for those who read from it.

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::scan::Scan;
use super::window::Window;
use crate::broker::lease::Message;

/// Who waits for an acknowledgement. Dropping it frees the slot and tells the owner that the link is down.
pub(super) struct Waiter {
    topic: String,
    size: usize,
    done: oneshot::Sender<bool>,
    _slot: OwnedSemaphorePermit,
}

/// What both halves know.
pub(super) struct Traffic {
    pub(super) window: Window<Waiter>,
    pub(super) scans: Vec<Scan>,
}

impl Waiter {
    pub(super) fn new(message: &Message, done: oneshot::Sender<bool>, slot: OwnedSemaphorePermit) -> Self {
        Self { topic: message.topic.clone(), size: message.payload.len(), done, _slot: slot }
    }

    pub(super) fn topic(&self) -> &str {
        &self.topic
    }

    /// The broker took it, or refused it.
    pub(super) fn answer(self, taken: bool) {
        let _nobody_waits = self.done.send(taken);
    }
}

impl Traffic {
    pub(super) fn new() -> Self {
        Self { window: Window::new(), scans: Vec::new() }
    }

    pub(super) fn largest_under_way(&self) -> usize {
        self.window.waiting().map(|waiter| waiter.size).max().unwrap_or(0)
    }
}
