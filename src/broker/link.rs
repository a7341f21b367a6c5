//! The state of the link to the broker: words only, no I/O.

use std::fmt;

use jiff::Timestamp;

use super::Lease;

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

/// Why the link is down. The kind changes when the user has something else to do; the text says what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// A stable word: `starting`, `no_mqtt_service`, `refused`, `auth`, `half_open` …
    pub kind: &'static str,
    /// One sentence: what is wrong and what to do.
    pub text: String,
    /// Where on the way the trouble is.
    pub place: Place,
}

/// Where on the way to the broker the trouble is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// With us: starting or stopping.
    Here,
    /// Before the broker is known: the Supervisor, or its MQTT service.
    Supervisor,
    /// The broker, and the way to it.
    Broker,
}

impl Cause {
    /// A cause with its sentence.
    pub fn new(place: Place, kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), place }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
