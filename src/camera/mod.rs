//! Cameras: what they are, how they are probed, and what their probes mean.
//!
//! `Inventory ══> prober ──Report──> tracker ══Statuses══>`: a probe measures, [`status`] decides, the tracker moves bytes.

mod decoding;
pub(crate) mod figures;
pub(crate) mod hearing;
pub(crate) mod host;
pub(crate) mod id;
pub(crate) mod inventory;
pub(crate) mod onvif;
pub(crate) mod pictures;
pub mod prober;
pub(crate) mod report;
pub(crate) mod status;
pub(crate) mod stillness;
pub(crate) mod timeline;
pub mod tracker;

pub use figures::ProbeFigures;
pub use hearing::{Hearing, HearingState, Hearings};
pub use host::Host;
pub use id::CameraId;
#[cfg(test)]
pub(crate) use inventory::tests::camera as push_only;
pub use inventory::{Camera, CameraKind, Inventory};
pub use pictures::{Picture, Pictures};
pub use report::{Failure, Glimpse, LastProbe, LastProbes, Reason, Report, Shown, Sighting, Spoiled};
pub use status::{CameraState, Change, Fleet, Status, Statuses};
pub use timeline::{Recorder, Stretch, Timelines};
