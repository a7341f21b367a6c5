//! What Home Assistant is told and what is heard of it, in its own words: topics, discovery payloads, states, presence. Pure.

pub(crate) mod entities;
pub mod heard;
pub(crate) mod payload;
pub(crate) mod presence;
pub(crate) mod states;
pub(crate) mod topics;

pub use heard::Heard;
pub use presence::{Presence, Sign};
pub use topics::{Leaf, Owner, Topics};
