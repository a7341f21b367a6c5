//! Why a connection ended or did not come to be. The variants are the session's next move.

use std::io;

use crate::broker::link::{Cause, Place};

/// Why a connection ended or did not come to be. The variants are the session's next move.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("the name {host} does not resolve: {source}; check the broker's host name")]
    Dns { host: String, source: io::Error },
    #[error("{address} does not take connections: {source}; is the broker running, and is the port right?")]
    Connect { address: String, source: io::Error },
    #[error("{address} does not answer; is the broker running, and is the address right?")]
    Timeout { address: String },
    #[error("TLS with {address} failed: {problem}")]
    Tls { address: String, problem: String },
    #[error("the broker refused the user name or password")]
    Credentials,
    #[error("the broker refused the connection: {0}")]
    Refused(String),
    #[error("the broker does not speak MQTT {spoken}; set mqtt.protocol to {instead}")]
    Protocol { spoken: &'static str, instead: &'static str },
    #[error("another client took over the session: two copies of Camera Herald run with one client id")]
    TakenOver,
    #[error("the broker takes no packets of this size (limit {limit:?})")]
    PacketTooLarge { limit: Option<usize> },
    #[error("the broker no longer answers on an open connection")]
    HalfOpen,
    #[error("an acknowledgement is overdue; starting over with a fresh connection")]
    AckOverdue,
    #[error("the connection broke: {0}")]
    Io(io::Error),
    #[error("the connection broke: {0}")]
    Broken(String),
}

impl SessionError {
    /// A stable word for logs and for telling one state from another.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Dns { .. } => "dns",
            Self::Connect { .. } => "refused",
            Self::Timeout { .. } => "timeout",
            Self::Tls { .. } => "tls",
            Self::Credentials => "auth",
            Self::Refused(_) => "broker_refused",
            Self::Protocol { .. } => "protocol",
            Self::TakenOver => "taken_over",
            Self::PacketTooLarge { .. } => "packet_too_large",
            Self::HalfOpen => "half_open",
            Self::AckOverdue => "ack_overdue",
            Self::Io(_) | Self::Broken(_) => "broken",
        }
    }

    pub(super) fn cause(&self) -> Cause {
        Cause::new(Place::Broker, self.kind(), self.to_string())
    }

    /// The port may open at any moment, and opening it is what would end the wait.
    pub(super) fn ends_when_the_port_answers(&self) -> bool {
        matches!(
            self,
            Self::Dns { .. }
                | Self::Connect { .. }
                | Self::Timeout { .. }
                | Self::Io(_)
                | Self::Broken(_)
                | Self::HalfOpen
        )
    }

    /// The port was seen closed. Of the other errors it is not known: a broker may have closed one connection only.
    pub(super) fn says_the_port_is_closed(&self) -> bool {
        use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
        match self {
            Self::Dns { .. } => true,
            Self::Connect { source, .. } => {
                matches!(source.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
            }
            _ => false,
        }
    }

    /// What the same error means before the CONNACK: the broker was not reached.
    pub(super) fn while_connecting(self, address: &str) -> Self {
        match self {
            Self::Io(source) => Self::Connect { address: address.to_owned(), source },
            Self::HalfOpen => Self::Timeout { address: address.to_owned() },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_known_to_the_chain() {
        let io = || io::Error::other("x");
        let address = String::new;
        for error in [
            SessionError::Dns { host: address(), source: io() },
            SessionError::Connect { address: address(), source: io() },
            SessionError::Timeout { address: address() },
            SessionError::Tls { address: address(), problem: address() },
            SessionError::Credentials,
            SessionError::Refused(address()),
            SessionError::Protocol { spoken: "5", instead: "auto" },
            SessionError::TakenOver,
            SessionError::PacketTooLarge { limit: None },
            SessionError::HalfOpen,
            SessionError::AckOverdue,
            SessionError::Io(io()),
            SessionError::Broken(address()),
        ] {
            assert!(crate::chain::KINDS.contains(&error.kind()), "{error}");
        }
    }
}
