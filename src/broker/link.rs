//! The state of the link to the broker: words only, no I/O.

use jiff::Timestamp;

use super::{Cause, Lease};

/// What the session knows about its link.
///
/// A watch channel coalesces: a reader may miss a Down between two Ups. The epoch tells the two Ups apart, so a broker
/// that lost its store in between is announced to again.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkState {
    /// Not connected.
    Down {
        /// What is waited for.
        cause: Cause,
        /// Since when.
        since: Timestamp,
    },
    /// Connected, and subscribed again: the right to send in this epoch.
    Up(Lease),
}

/// A connected link.
#[derive(Debug, Clone, PartialEq)]
pub struct Up {
    /// Grows with every CONNACK, from 1.
    pub epoch: u64,
    /// `host:port`.
    pub broker: String,
    /// `3.1.1` or `5`.
    pub protocol: &'static str,
    /// The largest packet that the broker takes, in bytes.
    pub max_packet: usize,
    /// Topics on which the broker does not let us publish (its access rules).
    pub refused_topics: Vec<String>,
    /// Why the link was lost before, if it was.
    pub last_error: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

impl LinkState {
    /// The epoch while connected.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        match self {
            Self::Up(up) => Some(up.epoch),
            Self::Down { .. } => None,
        }
    }

    /// The right to send while connected.
    #[must_use]
    pub fn lease(&self) -> Option<&Lease> {
        match self {
            Self::Up(lease) => Some(lease),
            Self::Down { .. } => None,
        }
    }
}
