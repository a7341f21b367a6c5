//! Keeps on the broker what should be there: the task that announces, and what it remembers.

pub mod announcer;
pub mod ledger;
pub mod pace;
pub mod plan;
pub mod schedule;

pub use announcer::{Announced, Announcer};
pub use plan::Plan;
