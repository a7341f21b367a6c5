//! Keeps on the broker what should be there.
//!
//! One task writes every retained topic but `event` (the courier's). In: link states, the inventory, statuses, histories, what is heard
//! of Home Assistant, requests. Out: messages under a lease, and [`Announced`]. What should be there ([`desired`]), what is there as
//! far as we know ([`held`], [`ledger`]) and the next step from the one to the other ([`plan`]) are pure; [`task`] takes one step in
//! each turn of its loop, so it hears everybody also in the middle of a run. What is sent last in a run is `online`, so nothing stale
//! is ever shown as available.

mod departed;
pub(crate) mod desired;
mod held;
pub mod ledger;
pub(crate) mod pace;
mod plan;
mod requests;
mod schedule;
mod task;
mod work;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use desired::Devices;
pub use plan::Goal;
pub use requests::{Asked, RequestError, Requests, Retained, requests};
pub(crate) use task::once;
pub use task::{Mirror, Sources};

use crate::camera::CameraId;
use crate::homeassistant::{Owner, Topics};

/// Everything of an epoch was said and acknowledged.
#[derive(Debug, Clone)]
pub struct Announced {
    /// The link's epoch.
    pub epoch: u64,
    /// Cameras that Home Assistant knows now.
    pub cameras: Arc<BTreeSet<CameraId>>,
    /// What was announced.
    pub devices: Arc<Devices>,
    /// When the run ended.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How many runs went through since the start.
    pub runs: u64,
}

impl Announced {
    /// The discovery message of one device, topic and payload, byte for byte as Home Assistant was sent it.
    ///
    /// It is made again from the devices that were announced: kept, those of 1,000 cameras would take 5 MB.
    #[must_use]
    pub fn config(&self, topics: &Topics, owner: &Owner) -> Option<(String, String)> {
        self.devices.config(topics, owner).map(|(topic, payload)| (topic, payload.to_string()))
    }
}
