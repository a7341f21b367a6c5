//! What the Supervisor knows about this app and about the system. Only what is used; whatever is missing is absent.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::SupervisorError;

/// The Supervisor's record of this app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfInfo {
    /// With the repository's prefix: `local_camera_herald`.
    pub slug: String,
    /// The installed version.
    pub version: Option<String>,
    /// The name of this container in the apps' network.
    pub hostname: Option<String>,
    /// Where the page is below Home Assistant, without a slash at the end.
    pub ingress_entry: Option<String>,
    /// The same with a slash and the page's own path.
    pub ingress_url: Option<String>,
    /// Ports of the container (`8098/tcp`) and the host's ports that lead to them, if any does.
    pub network: BTreeMap<String, Option<u16>>,
}

/// The Supervisor's record of the system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemInfo {
    /// The Supervisor's version.
    pub supervisor: Option<String>,
    /// Home Assistant's version.
    pub homeassistant: Option<String>,
    /// The time zone, `Europe/Berlin`.
    pub timezone: Option<String>,
    /// The host's name.
    pub hostname: Option<String>,
    /// The board: `raspberrypi4-64`.
    pub machine: Option<String>,
    /// The processor: `aarch64`.
    pub arch: Option<String>,
    /// The Supervisor's state, `running`.
    pub state: Option<String>,
}

impl SelfInfo {
    pub(super) fn from_data(data: &Map<String, Value>) -> Result<Self, SupervisorError> {
        let slug = text(data, "slug").ok_or(SupervisorError::Malformed { what: "the app has no slug" })?;
        let network = data.get("network").and_then(Value::as_object);
        let network = network.into_iter().flatten().map(|(port, host)| (port.clone(), host_port(host))).collect();
        Ok(Self {
            slug,
            version: text(data, "version"),
            hostname: text(data, "hostname"),
            ingress_entry: text(data, "ingress_entry"),
            ingress_url: text(data, "ingress_url"),
            network,
        })
    }
}

impl SystemInfo {
    pub(super) fn from_data(data: &Map<String, Value>) -> Self {
        Self {
            supervisor: text(data, "supervisor"),
            homeassistant: text(data, "homeassistant"),
            timezone: text(data, "timezone"),
            hostname: text(data, "hostname"),
            machine: text(data, "machine"),
            arch: text(data, "arch"),
            state: text(data, "state"),
        }
    }
}

fn text(data: &Map<String, Value>, name: &str) -> Option<String> {
    data.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn host_port(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|port| u16::try_from(port).ok())
}
