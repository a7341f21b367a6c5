//! Camera Herald's own device: how the bridge between the cameras and Home Assistant does.

use std::collections::BTreeMap;

use super::super::payload::{Component, Device, DevicePayload, Origin};
use super::super::topics::{Owner, Topics};
use super::{identifier, online, unique_id};

/// The discovery payload of Camera Herald's own device.
#[must_use]
pub(crate) fn bridge(topics: &Topics) -> DevicePayload {
    DevicePayload {
        device: Device {
            identifiers: [identifier(topics, &Owner::Bridge)],
            name: name(topics),
            manufacturer: Some("Camera Herald".to_owned()),
            model: Some("Bridge".to_owned()),
            suggested_area: None,
            sw_version: Some(env!("CARGO_PKG_VERSION")),
            via_device: None,
        },
        origin: Origin::default(),
        availability: vec![online(topics.status())],
        availability_mode: "all",
        qos: 1,
        components: entities(topics),
    }
}

fn entities(topics: &Topics) -> BTreeMap<&'static str, Component> {
    let sensor = |key: &'static str, name, icon, template| Component {
        name: Some(name),
        icon: Some(icon),
        value_template: Some(template),
        state_topic: Some(topics.bridge_state()),
        ..entity(topics, "sensor", key)
    };
    let diagnostic = |component| Component { entity_category: Some("diagnostic"), ..component };
    BTreeMap::from([
        (
            "cameras_online",
            Component {
                state_class: Some("measurement"),
                unit_of_measurement: Some("cameras"),
                json_attributes_topic: Some(topics.bridge_state()),
                ..sensor("cameras_online", "Cameras online", "mdi:cctv", "{{ value_json.cameras.online }}")
            },
        ),
        (
            "reconnects",
            diagnostic(Component {
                state_class: Some("total_increasing"),
                ..sensor("reconnects", "MQTT reconnects", "mdi:lan-connect", "{{ value_json.reconnects }}")
            }),
        ),
        (
            "last_error",
            diagnostic(sensor(
                "last_error",
                "Last error",
                "mdi:alert-circle-outline",
                "{{ (value_json.last_error or 'none')[:255] }}",
            )),
        ),
        (
            "outbox_depth",
            diagnostic(Component {
                state_class: Some("measurement"),
                unit_of_measurement: Some("events"),
                ..sensor("outbox_depth", "Events waiting", "mdi:tray-full", "{{ value_json.outbox_depth }}")
            }),
        ),
        ("version", diagnostic(sensor("version", "Version", "mdi:tag-outline", "{{ value_json.version }}"))),
        (
            "announce",
            Component {
                name: Some("Announce again"),
                icon: Some("mdi:bullhorn-outline"),
                entity_category: Some("config"),
                command_topic: Some(topics.bridge_command()),
                payload_press: Some("announce"),
                ..entity(topics, "button", "announce")
            },
        ),
    ])
}

fn entity(topics: &Topics, platform: &'static str, key: &str) -> Component {
    Component {
        platform,
        unique_id: unique_id(topics, &Owner::Bridge, key),
        default_entity_id: format!("{platform}.{}_{key}", topics.node().replace('-', "_")),
        ..Component::default()
    }
}

/// Two installations side by side are told apart by their base.
fn name(topics: &Topics) -> String {
    match topics.node() {
        "camera_herald" => "Camera Herald".to_owned(),
        node => format!("Camera Herald {node}"),
    }
}
