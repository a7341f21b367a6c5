//! The options: what the user set, checked once and turned into types.
//!
//! `environment` reads the process environment, `layers` puts file, environment and command line on top of one another,
//! `validate` turns the result into [`Options`] and collects every fault on the way. [`keys`] is the table of all keys.

mod address;
mod broker;
mod cameras;
mod environment;
mod faults;
pub(crate) mod keys;
mod layers;
mod load;
mod login;
mod reader;
mod slug;
mod validate;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::camera::Camera;
use crate::credentials::Credentials;

pub use environment::Environment;
pub use faults::{Fault, OptionsError, Warning};
pub use keys::KEYS;
pub use load::{Loaded, load};

/// Everything that the user can set, validated.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// All configured cameras, the disabled ones too.
    pub cameras: Vec<Camera>,
    /// How to reach the broker.
    pub mqtt: MqttOptions,
    /// Where messages go.
    pub topics: TopicOptions,
    /// How events are treated.
    pub events: EventOptions,
    /// How much is logged.
    pub log_level: LogLevel,
}

/// The options under `mqtt`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MqttOptions {
    /// Set when `mqtt.host` is: that broker is used and the Supervisor is not asked.
    pub broker: Option<BrokerOptions>,
    /// Which protocol is spoken.
    pub protocol: Protocol,
    /// A PEM file with the certificates that sign the broker's; the system's roots when absent.
    pub ca_file: Option<PathBuf>,
}

/// A broker named by the user.
#[derive(Debug, Clone, PartialEq)]
pub struct BrokerOptions {
    /// Host name or address.
    pub host: String,
    /// 1883, or 8883 with TLS, unless set.
    pub port: u16,
    /// Anonymous when absent.
    pub credentials: Option<Credentials>,
    /// TLS from the first byte.
    pub tls: bool,
}

/// `mqtt.protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// A 3.1.1 session, and a short MQTT 5 look at what the broker allows.
    #[default]
    Auto,
    /// MQTT 5 only.
    V5,
    /// MQTT 3.1.1 only.
    V311,
}

/// The options under `topics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicOptions {
    /// First part of all state topics, `camera_herald`.
    pub base: String,
    /// Home Assistant's discovery prefix, `homeassistant`.
    pub discovery_prefix: String,
    /// Where Home Assistant says `online`, `homeassistant/status`.
    pub birth: String,
}

impl Default for TopicOptions {
    fn default() -> Self {
        Self {
            base: "camera_herald".to_owned(),
            discovery_prefix: "homeassistant".to_owned(),
            birth: "homeassistant/status".to_owned(),
        }
    }
}

/// The options under `events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventOptions {
    /// How long after an event the activity stays ON.
    pub activity: Duration,
    /// How long events are kept, in days.
    pub keep_days: u32,
    /// Older events change history and counts, but do not fire `detection`.
    pub stale_after: Duration,
}

impl Default for EventOptions {
    fn default() -> Self {
        Self { activity: Duration::from_secs(300), keep_days: 30, stale_after: Duration::from_secs(120) }
    }
}

/// `log_level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// Only what needs the user.
    Error,
    /// What may need the user.
    Warn,
    /// One line per change of state.
    #[default]
    Info,
    /// What the tasks do.
    Debug,
    /// Every packet.
    Trace,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        })
    }
}
