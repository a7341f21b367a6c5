//! What Home Assistant is told: topics, discovery payloads, states, and the task that announces them.

pub mod announcer;
pub mod entities;
pub mod ledger;
pub mod pace;
pub mod payload;
pub mod plan;
pub mod presence;
pub mod schedule;
pub mod states;
pub mod topics;

pub use announcer::{Announced, Announcer};
pub use plan::Plan;
pub use presence::{Presence, Sign};
pub use topics::{Leaf, Owner, Topics};
