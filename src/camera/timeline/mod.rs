//! The last 24 hours of each camera's status, for the page's strips.
//!
//! `recorder` keeps them on disk, `strips` says what they are (pure).

mod recorder;
mod strips;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{CameraId, Reason, Status};

pub use recorder::Recorder;

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

impl Stretch {
    /// Nothing is known from then on.
    pub(crate) fn unknown(from: Timestamp) -> Self {
        Self { from, status: Status::Unknown, reason: None }
    }
}

/// The stretches of each camera, oldest first. Travels by a watch channel.
pub type Timelines = BTreeMap<CameraId, Arc<[Stretch]>>;
