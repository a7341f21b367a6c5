//! Why a connection ended or did not come to be. The variants are the session's next move.

use std::io;

use crate::broker::cause::{BrokerKind, Cause};

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
    #[error(
        "the broker keeps no retained messages, and without them Home Assistant forgets every camera at each restart; allow them in the \
         broker (Mosquitto: retain_available true)"
    )]
    NoRetain,
    #[error(
        "the broker takes no messages with QoS 1, and without their acknowledgements nothing is sure to arrive; allow QoS 1 in the broker \
         (Mosquitto: max_qos 2)"
    )]
    NoQos1,
    #[error(
        "the broker lets us in, but not with our will (retained, QoS 1) on {topic}; allow Camera Herald's user to write there, and \
         retained messages"
    )]
    Will { topic: String },
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

/// What a broker lacks that we cannot do without. MQTT 5 tells it in the CONNACK (3.2.2.3.4 and 3.2.2.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    Retain,
    Qos1,
}

impl From<Lack> for SessionError {
    fn from(lack: Lack) -> Self {
        match lack {
            Lack::Retain => Self::NoRetain,
            Lack::Qos1 => Self::NoQos1,
        }
    }
}

impl SessionError {
    /// What it is to the user.
    pub(super) fn cause(&self) -> Cause {
        let kind = match self {
            Self::Dns { .. } => BrokerKind::Dns,
            Self::Connect { .. } => BrokerKind::Refused,
            Self::Timeout { .. } => BrokerKind::Timeout,
            Self::Tls { .. } => BrokerKind::Tls,
            Self::Credentials => BrokerKind::Auth,
            Self::Refused(_) => BrokerKind::BrokerRefused,
            Self::Protocol { .. } => BrokerKind::Protocol,
            Self::NoRetain => BrokerKind::NoRetain,
            Self::NoQos1 => BrokerKind::NoQos1,
            Self::Will { .. } => BrokerKind::WillRefused,
            Self::TakenOver => BrokerKind::TakenOver,
            Self::PacketTooLarge { .. } => BrokerKind::PacketTooLarge,
            Self::HalfOpen => BrokerKind::HalfOpen,
            Self::AckOverdue => BrokerKind::AckOverdue,
            Self::Io(_) | Self::Broken(_) => BrokerKind::Broken,
        };
        Cause::broker(kind, self.to_string())
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

    /// Before the CONNACK: a broker that does not take a will refuses, or closes without a word.
    pub(super) fn may_be_about_the_will(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        match self {
            Self::Credentials | Self::Refused(_) | Self::Broken(_) => true,
            Self::Connect { source, .. } => {
                matches!(source.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
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
