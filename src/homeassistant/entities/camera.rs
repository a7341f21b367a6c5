//! A camera's device: what it is and what it sees.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use super::super::payload::{Availability, Component, Components, Device, DevicePayload, Origin};
use super::super::topics::{Leaf, Owner, Topics};
use super::{identifier, online, unique_id};
use crate::camera::{Camera, CameraId, CameraKind, Hearing, Host, Status};
use crate::events::door::EventKind;

/// A repetition is of the same outbox, and its number is not greater than that of what fired last.
const PASSES_OVER_REPETITIONS: &str = "{% set last = this.attributes %}\
    {% if last.get('outbox') != value_json.outbox or value_json.number | int(0) > last.get('number') | int(0) %}{{ value }}{% endif %}";

/// The discovery payload of one camera.
#[must_use]
pub(crate) fn camera(topics: &Topics, camera: &Camera) -> DevicePayload {
    let bridge = online(topics.status());
    let both = vec![bridge.clone(), online(topics.camera(&camera.id, Leaf::Availability))];
    let entities = CameraEntities { topics, camera, bridge };
    DevicePayload {
        device: Device {
            identifiers: [identifier(topics, &Owner::Camera(camera.id.clone()))],
            name: camera.name.clone(),
            manufacturer: camera.manufacturer.clone(),
            model: camera.model.clone(),
            suggested_area: camera.area.clone(),
            sw_version: None,
            via_device: Some(identifier(topics, &Owner::Bridge)),
        },
        origin: Origin::default(),
        availability: both,
        availability_mode: "all",
        qos: 1,
        components: entities.all(),
    }
}

/// A device that is about to go, with those of its entities that we know how to name.
#[must_use]
pub(crate) fn departed(topics: &Topics, id: &CameraId, components: &Components) -> DevicePayload {
    let looked_at = Url::parse("http://localhost/").ok();
    let listened_to = Host::parse("localhost").ok();
    let last_known = Camera {
        id: id.clone(),
        name: id.to_string(),
        stream: None,
        snapshot: looked_at,
        host: listened_to,
        channel: 1,
        own_events: true,
        credentials: None,
        kind: CameraKind::Doorbell,
        area: None,
        manufacturer: None,
        model: None,
        check_every: Duration::MAX,
        enabled: false,
    };
    let mut payload = camera(topics, &last_known);
    payload.components.retain(|key, component| components.get(*key).is_some_and(|known| known == component.platform));
    payload
}

struct CameraEntities<'a> {
    topics: &'a Topics,
    camera: &'a Camera,
    bridge: Availability,
}

impl CameraEntities<'_> {
    fn all(&self) -> BTreeMap<&'static str, Component> {
        let mut all = self.of_every_camera();
        if !self.camera.is_push_only() {
            all.extend(self.of_a_probed_camera());
        }
        if self.camera.host.is_some() {
            all.insert("hearing", self.hearing());
        }
        all
    }

    /// What only a camera has that we look at ourselves.
    fn of_a_probed_camera(&self) -> [(&'static str, Component); 4] {
        [
            ("latency", self.figure("latency", "Latency", Some("duration"), "ms", "{{ value_json.latency_ms }}")),
            ("fps", self.figure("fps", "Frame rate", None, "fps", "{{ value_json.fps }}")),
            ("bitrate", self.figure("bitrate", "Bitrate", Some("data_rate"), "bit/s", "{{ value_json.bitrate }}")),
            ("probe", self.probe_now()),
        ]
    }

    /// A figure of the stream. Home Assistant keeps each change for ever, so it is off until somebody wants it.
    fn figure(
        &self,
        key: &'static str,
        name: &'static str,
        device_class: Option<&'static str>,
        unit: &'static str,
        template: &'static str,
    ) -> Component {
        Component {
            name: Some(name),
            device_class,
            state_class: Some("measurement"),
            unit_of_measurement: Some(unit),
            value_template: Some(template),
            entity_category: Some("diagnostic"),
            enabled_by_default: Some(false),
            availability: None,
            ..self.shown_while_the_camera_is_dead("sensor", key, Leaf::Status)
        }
    }

    /// Works above all while the camera is dead.
    fn probe_now(&self) -> Component {
        Component {
            name: Some("Probe now"),
            icon: Some("mdi:camera-retake-outline"),
            entity_category: Some("diagnostic"),
            state_topic: None,
            command_topic: Some(self.topic(Leaf::Command)),
            payload_press: Some("probe"),
            ..self.shown_while_the_camera_is_dead("button", "probe", Leaf::Command)
        }
    }

    fn of_every_camera(&self) -> BTreeMap<&'static str, Component> {
        BTreeMap::from([
            ("status", self.status()),
            ("connectivity", self.connectivity()),
            ("last_event", self.last_event()),
            ("last_event_time", self.last_event_time()),
            ("events_today", self.count("events_today", "Events today", "{{ value_json.events_today }}")),
            (
                "events_this_week",
                self.count("events_this_week", "Events this week", "{{ value_json.events_this_week }}"),
            ),
            ("activity", self.activity()),
            ("detection", self.detection()),
            ("snapshot", self.snapshot()),
        ])
    }

    fn status(&self) -> Component {
        Component {
            name: Some("Status"),
            device_class: Some("enum"),
            options: Some(Status::ALL.iter().map(|status| status.as_str()).collect()),
            entity_category: Some("diagnostic"),
            icon: Some("mdi:cctv"),
            value_template: Some("{{ value_json.status }}"),
            json_attributes_topic: Some(self.topic(Leaf::Status)),
            ..self.shown_while_the_camera_is_dead("sensor", "status", Leaf::Status)
        }
    }

    fn connectivity(&self) -> Component {
        Component {
            device_class: Some("connectivity"),
            entity_category: Some("diagnostic"),
            value_template: Some(
                "{% if value_json.status == 'unknown' %}None{% elif value_json.status == 'online' %}ON{% else %}OFF{% endif %}",
            ),
            ..self.shown_while_the_camera_is_dead("binary_sensor", "connectivity", Leaf::Status)
        }
    }

    fn last_event(&self) -> Component {
        Component {
            name: Some("Last event"),
            icon: Some("mdi:message-text-clock"),
            value_template: Some("{{ value_json.description_snippet }}"),
            json_attributes_topic: Some(self.topic(Leaf::Event)),
            ..self.shown_while_the_camera_is_dead("sensor", "last_event", Leaf::LastEvent)
        }
    }

    fn last_event_time(&self) -> Component {
        Component {
            name: Some("Last event time"),
            device_class: Some("timestamp"),
            value_template: Some("{{ value_json.timestamp }}"),
            ..self.shown_while_the_camera_is_dead("sensor", "last_event_time", Leaf::LastEvent)
        }
    }

    /// A count goes back to zero at midnight or on Monday, which is what `total_increasing` allows.
    fn count(&self, key: &'static str, name: &'static str, template: &'static str) -> Component {
        Component {
            name: Some(name),
            icon: Some("mdi:counter"),
            state_class: Some("total_increasing"),
            unit_of_measurement: Some("events"),
            value_template: Some(template),
            ..self.shown_while_the_camera_is_dead("sensor", key, Leaf::Counts)
        }
    }

    fn activity(&self) -> Component {
        Component {
            name: Some("Activity"),
            device_class: Some("motion"),
            value_template: Some("{{ value_json.state }}"),
            availability: None,
            ..self.shown_while_the_camera_is_dead("binary_sensor", "activity", Leaf::Activity)
        }
    }

    /// Fires once for an event, however often it comes: an event entity ignores what its template renders to nothing, and `this` is the entity
    /// as Home Assistant has it, with the attributes of what fired last, also after a restart (Home Assistant: "MQTT", "Using value
    /// templates"; the event entity restores its attributes). It ignores retained messages as well, so a restart of Home Assistant does not ring the bell.
    fn detection(&self) -> Component {
        let kinds = EventKind::OF_A_CAMERA.iter().map(|kind| kind.as_str());
        let (device_class, event_types) = match self.camera.kind {
            CameraKind::Camera => ("motion", kinds.collect()),
            CameraKind::Doorbell => ("doorbell", kinds.chain([EventKind::Ring.as_str()]).collect()),
        };
        Component {
            name: Some("Detection"),
            device_class: Some(device_class),
            event_types: Some(event_types),
            value_template: Some(PASSES_OVER_REPETITIONS),
            ..self.shown_while_the_camera_is_dead("event", "detection", Leaf::Detection)
        }
    }

    /// Silence is not peace: whether the camera's own events are heard is shown by itself.
    fn hearing(&self) -> Component {
        Component {
            name: Some("Own events"),
            device_class: Some("enum"),
            options: Some(Hearing::ALL.iter().map(|hearing| hearing.as_str()).collect()),
            entity_category: Some("diagnostic"),
            icon: Some("mdi:ear-hearing"),
            value_template: Some("{{ value_json.state }}"),
            json_attributes_topic: Some(self.topic(Leaf::Hearing)),
            ..self.shown_while_the_camera_is_dead("sensor", "hearing", Leaf::Hearing)
        }
    }

    fn snapshot(&self) -> Component {
        Component {
            name: Some("Snapshot"),
            availability: None,
            image_topic: Some(self.topic(Leaf::Snapshot)),
            content_type: Some("image/jpeg"),
            state_topic: None,
            ..self.shown_while_the_camera_is_dead("image", "snapshot", Leaf::Snapshot)
        }
    }

    /// History and diagnosis need the bridge only: a dead camera still shows why it is dead.
    fn shown_while_the_camera_is_dead(&self, platform: &'static str, key: &str, leaf: Leaf) -> Component {
        Component {
            platform,
            unique_id: unique_id(self.topics, &Owner::Camera(self.camera.id.clone()), key),
            default_entity_id: format!("{platform}.{}_{key}", self.camera.id),
            availability: Some(vec![self.bridge.clone()]),
            state_topic: Some(self.topic(leaf)),
            ..Component::default()
        }
    }

    fn topic(&self, leaf: Leaf) -> String {
        self.topics.camera(&self.camera.id, leaf)
    }
}
