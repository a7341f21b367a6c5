//! Cameras' own events: a subscription at each device that has an ONVIF host, kept alive, and whether it is being heard.
//!
//! In: the inventory. Out: submissions to the outbox, as those of the doors, and [`Hearings`](crate::camera::Hearings). Invariant: what was pulled is on
//! disk before the camera is asked for more; a device that misbehaves costs its own cameras only.

mod check;
mod ears;
mod keeper;
mod life;
mod listener;
mod meaning;
mod properties;
mod submit;

pub(crate) use check::check;
pub use keeper::{Keeper, Sources};
