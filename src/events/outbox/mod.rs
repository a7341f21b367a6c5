//! The outbox: accepted events, on disk until the broker has acknowledged them, and what the history says of each camera.

mod batch;
pub(crate) mod body;
mod books;
pub(crate) mod calendar;
mod clock;
mod history;
mod queue;
mod settings;
mod task;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::camera::CameraId;

pub use queue::Outbox;
pub use settings::{Caps, Settings};
pub use task::Keeper;

/// What the history says of each camera.
pub type Histories = BTreeMap<CameraId, History>;

/// What Home Assistant is to know of a camera's past.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// The newest event by its timestamp.
    pub last: Option<Arc<LastEvent>>,
    /// The body of the last event that the broker has acknowledged, as it stands on the `event` topic.
    pub delivered: Option<Arc<str>>,
    /// Events since local midnight.
    pub today: u64,
    /// Events since local Monday.
    pub this_week: u64,
    /// When the counts last changed.
    pub counted_at: Option<Timestamp>,
    /// The camera is active until then.
    pub active_until: Option<Timestamp>,
}

impl History {
    /// Whether the camera's states come out the same. What was delivered is on a topic of its own.
    #[must_use]
    pub fn tells_the_same_as(&self, other: &Self) -> bool {
        let told = |history: &Self| (history.today, history.this_week, history.counted_at, history.active_until);
        told(self) == told(other) && self.last == other.last
    }
}

/// A camera's newest event in short.
#[derive(Debug, Clone, PartialEq)]
pub struct LastEvent {
    /// The sender's id.
    pub event_id: String,
    /// When it happened.
    pub timestamp: Timestamp,
    /// What was seen, in words, if the sender said.
    pub description: Option<String>,
    /// The event type.
    pub kind: &'static str,
    /// The row under which [`Outbox::picture_of`] has its picture, if it came with one.
    pub picture: Option<i64>,
}

/// An event that waits for the broker.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// The outbox's own name: random, and another one when rows begin anew.
    pub outbox: Arc<str>,
    /// Its place in the queue; grows with acceptance, and is never given to another event of the outbox of this name.
    pub row: i64,
    /// Whose it is.
    pub camera: CameraId,
    /// The sender's id.
    pub event_id: String,
    /// When it happened.
    pub timestamp: Timestamp,
    /// When it came.
    pub received: Timestamp,
    /// The event type.
    pub kind: &'static str,
    /// JSON for the `event` topic.
    pub body: Arc<str>,
    /// The bytes of its JPEG, if it came with one: [`Outbox::picture_of`] has it.
    pub picture: Option<u64>,
}

impl Waiting {
    /// JSON for the `detection` topic: the body, and what tells a repetition.
    #[must_use]
    pub fn detection(&self) -> String {
        body::detection(&self.body, &self.outbox, self.row)
    }
}

/// An event of the past, to look at.
#[derive(Debug, Clone, PartialEq)]
pub struct PastEvent {
    /// Its place; grows with acceptance.
    pub row: i64,
    /// The sender's id.
    pub event_id: String,
    /// When it happened, by the sender's clock.
    pub timestamp: Timestamp,
    /// When it came.
    pub received: Timestamp,
    /// The event type.
    pub kind: &'static str,
    /// JSON, as on the `event` topic: the text under `description`, and every attribute.
    pub body: Arc<str>,
    /// The broker has it.
    pub delivered: bool,
    /// [`Outbox::picture_of`] gives it.
    pub has_picture: bool,
}

/// What the outbox has counted since the start, and how much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Transactions that took events in or marked them as delivered.
    pub commits: u64,
    /// Events that were given up, because their camera had gone before the broker could have them.
    pub dropped: u64,
    /// Events that the broker has acknowledged.
    pub delivered: u64,
    /// Bytes of what waits for the broker.
    pub waiting_bytes: u64,
}
