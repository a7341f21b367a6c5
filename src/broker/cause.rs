//! Why the link to the broker is down: what decides and translates goes by the kind, people read the text. Pure.

use std::fmt;

use crate::supervisor::{SupervisorError, SupervisorKind};

/// Why the link is down. The kind changes when the user has something else to do; the text says what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What kind of trouble it is.
    pub kind: CauseKind,
    /// One sentence: what is wrong and what to do.
    pub text: String,
}

/// What kind of trouble keeps the link down, by where on the way it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CauseKind {
    /// None: the link is being made.
    Starting,
    /// None: Camera Herald has stopped.
    Stopped,
    /// Before the broker is known: the Supervisor, or its MQTT service.
    Supervisor(SupervisorKind),
    /// The broker, or the way to it.
    Broker(BrokerKind),
}

/// What kind of trouble the broker makes, or the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BrokerKind {
    /// Its name does not resolve.
    Dns,
    /// It takes no connections.
    Refused,
    /// It does not answer.
    Timeout,
    /// The secure connection does not come to be.
    Tls,
    /// It refuses user name or password.
    Auth,
    /// It refuses the MQTT connection for a reason of its own.
    BrokerRefused,
    /// It speaks another version of MQTT.
    Protocol,
    /// It keeps no retained messages.
    NoRetain,
    /// It takes no messages with QoS 1.
    NoQos1,
    /// It does not let us leave our will.
    WillRefused,
    /// Somebody else uses our client id.
    TakenOver,
    /// It takes no packets as large as ours.
    PacketTooLarge,
    /// It does not answer any more on an open connection.
    HalfOpen,
    /// It does not acknowledge.
    AckOverdue,
    /// The connection broke.
    Broken,
}

impl Cause {
    /// A cause with its sentence.
    pub fn new(kind: CauseKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// A broker's cause with its sentence.
    pub fn broker(kind: BrokerKind, text: impl Into<String>) -> Self {
        Self::new(CauseKind::Broker(kind), text)
    }
}

impl From<&SupervisorError> for Cause {
    fn from(error: &SupervisorError) -> Self {
        Self::new(CauseKind::Supervisor(error.kind()), error.to_string())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl CauseKind {
    /// The word for logs and diagnostics. It never changes.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Stopped => "stopped",
            Self::Supervisor(kind) => kind.word(),
            Self::Broker(kind) => kind.word(),
        }
    }
}

impl serde::Serialize for CauseKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl BrokerKind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Dns,
        Self::Refused,
        Self::Timeout,
        Self::Tls,
        Self::Auth,
        Self::BrokerRefused,
        Self::Protocol,
        Self::NoRetain,
        Self::NoQos1,
        Self::WillRefused,
        Self::TakenOver,
        Self::PacketTooLarge,
        Self::HalfOpen,
        Self::AckOverdue,
        Self::Broken,
    ];

    /// The word for logs and diagnostics. It never changes.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::BrokerRefused => "broker_refused",
            Self::Protocol => "protocol",
            Self::NoRetain => "no_retain",
            Self::NoQos1 => "no_qos_1",
            Self::WillRefused => "will_refused",
            Self::TakenOver => "taken_over",
            Self::PacketTooLarge => "packet_too_large",
            Self::HalfOpen => "half_open",
            Self::AckOverdue => "ack_overdue",
            Self::Broken => "broken",
        }
    }

    /// Waiting is of no use.
    #[must_use]
    pub fn needs_somebody(self) -> bool {
        let refuses = matches!(self, Self::Auth | Self::BrokerRefused | Self::Protocol | Self::Tls | Self::TakenOver);
        refuses || matches!(self, Self::NoRetain | Self::NoQos1 | Self::WillRefused)
    }
}
