//! Cameras: what they are, how they are probed, and what their probes mean.
//!
//! `Inventory ══> prober ──Report──> tracker ══Statuses══>`: a probe measures, [`status`] decides, the tracker moves bytes.

mod decoding;
pub mod figures;
pub mod hearing;
pub mod host;
pub mod id;
pub mod inventory;
pub(crate) mod onvif;
pub mod pictures;
pub mod prober;
pub mod report;
pub mod status;
pub mod stillness;
pub mod timeline;
pub mod tracker;

pub use figures::ProbeFigures;
pub use hearing::{Hearing, HearingState, Hearings};
pub use host::Host;
pub use id::CameraId;
#[cfg(test)]
pub(crate) use inventory::push_only;
pub use inventory::{Camera, CameraKind, Inventory};
pub use pictures::{Picture, Pictures};
pub use report::{Failure, Glimpse, LastProbe, LastProbes, Reason, Report, Shown, Sighting, Spoiled};
pub use status::{CameraState, Change, Fleet, Status, Statuses};
pub use timeline::{Recorder, Stretch, Timelines};
