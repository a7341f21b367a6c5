//! The Supervisor: what it knows about the broker and about us.
//!
//! Nobody is told when the MQTT service changes, so [`CredentialSource::get`] asks anew for every attempt to connect.

mod answer;
mod client;
mod credentials;
mod error;
mod info;
mod kind;
mod mqtt_service;

pub use client::{Client, ClientError, Timeouts};
pub use credentials::CredentialSource;
pub use error::{Patience, SupervisorError};
pub use info::{SelfInfo, SystemInfo};
pub use kind::SupervisorKind;
pub use mqtt_service::MqttService;
