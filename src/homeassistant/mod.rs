//! What Home Assistant is told and what is heard of it, in its own words: topics, discovery payloads, states, presence. Pure.

pub mod entities;
pub mod heard;
pub mod payload;
pub mod presence;
pub mod states;
pub mod topics;

pub use heard::Heard;
pub use presence::{Presence, Sign};
pub use topics::{Leaf, Owner, Topics};
