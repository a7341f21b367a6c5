//! Events come in: the doors, and what is let through.
//!
//! Out: submissions on a bounded channel. An event is answered only when whoever reads the channel has it on disk.

mod body;
mod content;
mod current_token;
pub(crate) mod decode;
mod doors;
pub(crate) mod event;
mod fields;
mod kind;
pub(crate) mod limits;
mod login;
pub(crate) mod message;
mod multipart;
mod picture;
mod problem;
mod query;
mod reject;
mod routes;
mod tally;
pub(crate) mod token;
pub(crate) mod trigger;

use tokio::sync::oneshot;

pub use current_token::CurrentToken;
pub use doors::{Bounds, Doors};
pub use event::{Event, EventKind};
pub use reject::Reject;
pub use routes::{router, serve, serve_on};
pub use tally::Tally;
pub use token::EventToken;

/// An event on its way to the disk.
#[derive(Debug)]
pub struct Submission {
    /// What came.
    pub event: Event,
    /// Told when it is on disk, or why it is not.
    pub answer: oneshot::Sender<Result<Accepted, Refused>>,
}

/// The event is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// For the first time.
    New,
    /// It was there before: same camera, same event id.
    Duplicate,
}

/// The event is not on disk, and must be sent again later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too much waits for the broker.
    #[error("too many events wait for the broker; send it again when the broker is back")]
    Full,
    /// The disk does not take it.
    #[error("the event cannot be written to disk: {0}")]
    Storage(String),
}
