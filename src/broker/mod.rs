//! The connection to the broker.
//!
//! One task, the [`Session`], owns rumqttc's event loop and is the only sender of a watch channel of [`LinkState`].
//! Everybody else holds a [`Handle`]: publish (returns on the broker's acknowledgement), scan, and the link's state.
//! No callback runs foreign code and nothing that a caller does can block the event loop.

pub mod cause;
pub mod client_id;
pub mod error;
pub mod handle;
pub mod link;
pub mod session;
pub mod settings;

pub use cause::{BrokerKind, Cause, CauseKind};
pub use error::PublishError;
pub use handle::{Ack, Handle, Message};
pub use link::{LinkState, Up};
pub use session::Session;
pub use settings::{Identity, Inbound, Interest, Settings, Subscription, Timing};

/// What is assumed of a broker that does not tell its largest packet: Mosquitto 2.1's default.
pub const ASSUMED_MAX_PACKET: usize = 2_000_000;
