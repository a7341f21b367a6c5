//! The connection to the broker.
//!
//! One task, the [`Session`], owns rumqttc's event loop and is the only sender of a watch channel of [`LinkState`].
//! Everybody else holds a [`Handle`] and sees the link's state; while it is up that state carries a [`Lease`], the right to send in this epoch.
//! No callback runs foreign code and nothing that a caller does can block the event loop.

pub(crate) mod cause;
pub(crate) mod client_id;
pub(crate) mod handle;
pub(crate) mod inbox;
pub(crate) mod lease;
pub(crate) mod link;
pub(crate) mod session;
pub(crate) mod settings;

pub use cause::{BrokerKind, Cause, CauseKind};
pub use handle::Handle;
pub use inbox::{Inbox, Incoming};
pub use lease::{Ack, Lease, LinkLost, Message, Permit};
pub use link::{LinkState, Up};
pub use session::Session;
pub use settings::{Identity, Settings, Subscription, Timing};

/// What is assumed of a broker that does not tell its largest packet: Mosquitto 2.1's default.
pub const ASSUMED_MAX_PACKET: usize = 2_000_000;
