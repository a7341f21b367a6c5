//! The chain from the Supervisor to Home Assistant: how each link is, since when, and what to do about it. For the page,
//! the diagnostics and the metrics; nothing else depends on it.
//!
//! `keeper` gathers what is known, `decide` judges it (pure), `history` remembers how the link to the broker changed.

mod decide;
mod history;
mod keeper;
mod kind;

use jiff::Timestamp;

use crate::supervisor::{SelfInfo, SystemInfo};

pub use crate::broker::BrokerKind;
pub use crate::supervisor::SupervisorKind;
pub use history::{KEPT, LinkChange, LinkHistory};
pub use keeper::{Keeper, Sources, Told};
pub use kind::Kind;

/// The parts of the chain, from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Gives the credentials. Only in app mode.
    Supervisor,
    /// The Supervisor's record of the broker.
    MqttService,
    /// The MQTT broker.
    Broker,
    /// Home Assistant itself, as its birth message tells.
    HomeAssistant,
}

/// How one part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It does its work.
    Good,
    /// Not asked or not heard yet.
    Unknown,
    /// It is waited for; nobody has to do anything yet.
    Waiting,
    /// Somebody has to do something.
    Broken,
    /// This installation does without it (a broker from the options, or not an app).
    Unused,
}

/// One part of the chain as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Which part.
    pub part: Part,
    /// How it is.
    pub condition: Condition,
    /// Since when.
    pub since: Timestamp,
    /// What kind of trouble it has when it is not good. Translations go by it.
    pub kind: Option<Kind>,
    /// The last error in plain English words, with what to do. May be older than `since` when all is good again.
    pub last_error: Option<String>,
    /// What it is: `core-mosquitto:1883, MQTT 3.1.1`, a version. Holds no secret.
    pub detail: Option<String>,
}

/// The whole chain, in order. Travels by a watch channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain(pub [Link; 4]);

/// What the Supervisor told about the system and about this app. Both are absent until it has answered, and outside of app mode.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Versions, and the machine.
    pub system: Option<SystemInfo>,
    /// The ports that are open, and the page's place in Home Assistant.
    pub app: Option<SelfInfo>,
}

impl Chain {
    /// One link of it.
    #[must_use]
    pub fn part(&self, part: Part) -> &Link {
        &self.0[part as usize]
    }
}

impl Part {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Supervisor, Self::MqttService, Self::Broker, Self::HomeAssistant];
}
