//! The device discovery payload as Home Assistant wants it.
//!
//! Source: Home Assistant, "MQTT", section "Device discovery payload". Unknown keys at the root, in `device` or in
//! `origin` reject the whole payload, and so does `null` for a text: what is not known is left out.

use std::collections::BTreeMap;

use serde::Serialize;

/// Component keys of a device and their platforms.
pub(crate) type Components = BTreeMap<String, String>;

/// Payloads beyond this are not looked into, in bytes: ours have a tenth of it.
const LOOKED_INTO: usize = 64 * 1_024;

/// Whether a discovery message says by its origin that it is ours.
#[must_use]
pub(crate) fn is_ours(_topic: &str, payload: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Named {
        name: String,
    }
    #[derive(serde::Deserialize)]
    struct Signed {
        origin: Named,
    }
    payload.len() <= LOOKED_INTO
        && serde_json::from_slice::<Signed>(payload).is_ok_and(|signed| signed.origin.name == Origin::default().name)
}

/// One device with all its entities, at `<prefix>/device/<node>-<id>/config`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DevicePayload {
    /// The device.
    pub device: Device,
    /// Who announces it; required for device discovery.
    pub origin: Origin,
    /// All of these must be `online`, unless an entity has its own list.
    pub availability: Vec<Availability>,
    /// Always `all`: the default, `latest`, would let a living camera hide a dead bridge.
    pub availability_mode: &'static str,
    /// For Home Assistant's subscriptions.
    pub qos: u8,
    /// The entities by key. A key must keep its platform and unique id for ever.
    pub components: BTreeMap<&'static str, Component>,
}

/// `device` of the payload.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Device {
    /// What makes the device the same one after a rename.
    pub identifiers: [String; 1],
    /// The user's name for it.
    pub name: String,
    /// Left out when not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Left out when not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Read only when the device is created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggested_area: Option<String>,
    /// Of the bridge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sw_version: Option<&'static str>,
    /// The bridge's identifier; Home Assistant makes a nameless stub of a device that it does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via_device: Option<String>,
}

/// `origin` of the payload.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Origin {
    /// Shown in Home Assistant's log when a payload is refused.
    pub name: &'static str,
    /// Our version.
    pub sw_version: &'static str,
    /// Where help is.
    pub support_url: &'static str,
}

impl Default for Origin {
    fn default() -> Self {
        Self {
            name: "Camera Herald",
            sw_version: env!("CARGO_PKG_VERSION"),
            support_url: "https://github.com/camera-herald/camera-herald",
        }
    }
}

/// One topic that says `online` or `offline`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Availability {
    /// Matched by exact text.
    pub topic: String,
}

/// One entity.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Component {
    /// `sensor`, `binary_sensor`, `button` …
    pub platform: &'static str,
    /// Never derived from a name or an address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unique_id: String,
    /// `<domain>.<slug>`: read at the first registration, from Home Assistant 2025.10; older versions ignore it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub default_entity_id: String,
    /// Without the device's name, which Home Assistant puts before it. Left out: the device class's name, translated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'static str>,
    /// Own availability instead of the root's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability: Option<Vec<Availability>>,
    /// Where the state is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_topic: Option<String>,
    /// From the message to the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_template: Option<&'static str>,
    /// A JSON object whose members become attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_attributes_topic: Option<String>,
    /// What it measures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_class: Option<&'static str>,
    /// For statistics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_class: Option<&'static str>,
    /// Unit of the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_of_measurement: Option<&'static str>,
    /// Every state of an enum sensor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<&'static str>>,
    /// Every type of an event entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_types: Option<Vec<&'static str>>,
    /// Where an image entity's bytes come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_topic: Option<String>,
    /// Of an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<&'static str>,
    /// `diagnostic` or `config`: kept out of automatic dashboards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_category: Option<&'static str>,
    /// `false`: in the registry, but off until the user wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled_by_default: Option<bool>,
    /// `mdi:…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<&'static str>,
    /// Of a button.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_topic: Option<String>,
    /// What a button sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_press: Option<&'static str>,
}
