//! The state messages of a camera and of the bridge, from what is known. Pure.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::topics::{Leaf, Topics};
use crate::broker::{Message, Up};
use crate::camera::{Camera, CameraState, Status, Statuses};

/// `online`, as Home Assistant's availability wants it.
pub const ONLINE: &str = "online";
/// `offline`.
pub const OFFLINE: &str = "offline";

/// The retained states of one camera, without its availability.
#[must_use]
pub fn camera(topics: &Topics, camera: &Camera, state: Option<&CameraState>) -> [Message; 4] {
    let message = |leaf, payload: String| Message::retained(topics.camera(&camera.id, leaf), payload);
    [
        message(Leaf::Status, status(camera, state)),
        message(Leaf::LastEvent, no_event()),
        message(Leaf::Counts, no_counts(camera)),
        message(Leaf::Activity, no_activity()),
    ]
}

/// A camera's availability. A push-only camera is there as long as we are: nobody can know more. Any other has to be
/// seen first.
#[must_use]
pub fn availability(topics: &Topics, camera: &Camera, state: Option<&CameraState>) -> Message {
    let online = state.is_some_and(|state| state.status == Status::Online);
    let payload = if online || camera.is_push_only() { ONLINE } else { OFFLINE };
    Message::retained(topics.camera(&camera.id, Leaf::Availability), payload)
}

/// The bridge's retained state.
#[must_use]
pub fn bridge(topics: &Topics, up: &Up, cameras: usize, statuses: &Statuses) -> Message {
    let online = statuses.values().filter(|state| state.status == Status::Online).count();
    let payload = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "link": "up",
        "broker": up.broker,
        "protocol": up.protocol,
        "cameras": { "total": cameras, "online": online },
        "outbox_depth": 0,
        "dropped": 0,
        "reconnects": up.epoch - 1,
        "last_error": up.last_error,
    });
    Message::retained(topics.bridge_state(), payload.to_string())
}

#[derive(Serialize)]
struct StatusPayload<'a> {
    status: &'static str,
    reason: Option<&'static str>,
    since: Option<Timestamp>,
    camera_id: &'a str,
    camera_name: &'a str,
    source_type: &'static str,
    codec: Option<&'a str>,
    resolution: Option<String>,
    fps: Option<f32>,
    bitrate: Option<u64>,
    latency_ms: Option<u64>,
    last_frame_at: Option<Timestamp>,
}

fn status(camera: &Camera, state: Option<&CameraState>) -> String {
    let sighting = state.and_then(|state| state.sighting.as_ref());
    let payload = StatusPayload {
        status: state.map_or(Status::Unknown, |state| state.status).as_str(),
        reason: state.and_then(|state| state.reason).map(|reason| reason.as_str()),
        since: state.map(|state| seconds(state.since)),
        camera_id: camera.id.as_str(),
        camera_name: &camera.name,
        source_type: source_type(camera),
        codec: sighting.and_then(|sighting| sighting.codec.as_deref()),
        resolution: sighting
            .and_then(|sighting| sighting.resolution)
            .map(|(width, height)| format!("{width}x{height}")),
        fps: sighting.and_then(|sighting| sighting.fps),
        bitrate: sighting.and_then(|sighting| sighting.bitrate),
        latency_ms: sighting.and_then(|sighting| u64::try_from(sighting.latency.as_millis()).ok()),
        last_frame_at: state.and_then(|state| state.last_frame_at).map(seconds),
    };
    serde_json::to_string(&payload).expect("texts and numbers are JSON")
}

fn source_type(camera: &Camera) -> &'static str {
    match (&camera.stream, &camera.snapshot) {
        (Some(_), _) => "rtsp",
        (None, Some(_)) => "snapshot",
        (None, None) => "push",
    }
}

/// Home Assistant shows whole seconds, and shorter texts are easier to read.
fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn no_event() -> String {
    json!({ "event_id": null, "timestamp": null, "description_snippet": null, "smart_detection_type": null })
        .to_string()
}

fn no_counts(camera: &Camera) -> String {
    json!({ "events_today": 0, "events_this_week": 0, "camera_id": camera.id, "last_updated": null }).to_string()
}

fn no_activity() -> String {
    json!({ "state": "OFF", "last_event_at": null }).to_string()
}
