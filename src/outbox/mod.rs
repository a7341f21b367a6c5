//! The outbox: accepted events, on disk until the broker has acknowledged them, and what the history says of each camera.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::camera::CameraId;

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
}

/// An event that waits for the broker.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// Its place in the queue; grows with acceptance.
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
    /// A JPEG.
    pub picture: Option<bytes::Bytes>,
}
