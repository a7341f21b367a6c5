//! Why a part of the chain is not good: what the page's words and the diagnostics go by. Pure.

use crate::broker::BrokerKind;
use crate::supervisor::SupervisorKind;

/// What kind of trouble a part has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The Supervisor, or its MQTT service.
    Supervisor(SupervisorKind),
    /// The Supervisor cannot be asked at all: its address or our token makes no sense.
    Client,
    /// The broker, or the way to it.
    Broker(BrokerKind),
    /// The broker's access rules forbid some of our topics.
    RefusedTopics,
    /// Home Assistant left the broker.
    Gone,
    /// Home Assistant has not been heard yet.
    NotHeard,
    /// Home Assistant is out of reach without the broker.
    NoBroker,
}

impl Kind {
    /// The word for diagnostics. It never changes.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Supervisor(kind) => kind.word(),
            Self::Client => "client",
            Self::Broker(kind) => kind.word(),
            Self::RefusedTopics => "refused_topics",
            Self::Gone => "gone",
            Self::NotHeard => "not_heard",
            Self::NoBroker => "no_broker",
        }
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let own = [Self::Client, Self::RefusedTopics, Self::Gone, Self::NotHeard, Self::NoBroker];
        let supervisor = SupervisorKind::ALL.into_iter().map(Self::Supervisor);
        supervisor.chain(BrokerKind::ALL.into_iter().map(Self::Broker)).chain(own)
    }
}

impl serde::Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}
