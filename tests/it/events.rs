//! From the door to Home Assistant: an event that was answered 202 reaches the broker, whatever is killed meanwhile.

mod backup;
mod delivery;
mod disk;
mod kill;
pub(crate) mod support;
