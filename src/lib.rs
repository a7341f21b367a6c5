//! Camera Herald: every camera of a home as a Home Assistant device over MQTT, kept true through every restart.

pub mod broker;
pub mod camera;
#[cfg(feature = "demo")]
pub mod demo;
pub mod discovery;
pub mod options;
pub mod supervisor;
pub mod tls;
