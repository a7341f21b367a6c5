//! The last 24 hours of each camera's status, for the page's strips.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{CameraId, Reason, Status};

/// From `from` on the camera had this status, until the next entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// The beginning.
    pub from: Timestamp,
    /// The status. [`Status::Unknown`] also while we did not run.
    pub status: Status,
    /// Why it was not online.
    pub reason: Option<Reason>,
}

/// The stretches of each camera, oldest first. Travels by a watch channel.
pub type Timelines = BTreeMap<CameraId, Arc<[Stretch]>>;
