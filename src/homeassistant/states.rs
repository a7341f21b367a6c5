//! The state messages of a camera and of the bridge, from what is known. Pure.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::topics::{Leaf, Topics};
use crate::broker::{Message, Up};
use crate::camera::{Camera, CameraState, Hearing, HearingState, Status};
use crate::events::outbox::body::snippet;
use crate::events::outbox::{History, Outbox};

/// `online`, as Home Assistant's availability wants it.
pub(crate) const ONLINE: &str = "online";
/// `offline`.
pub(crate) const OFFLINE: &str = "offline";

/// What is known of one camera.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    /// What its probes say.
    pub state: Option<&'a CameraState>,
    /// What its events say.
    pub history: Option<&'a History>,
    /// Whether its own events are heard.
    pub hearing: Option<&'a HearingState>,
}

/// The retained states of one camera, without its availability and without the last event, which the courier brings.
#[must_use]
pub(crate) fn camera(topics: &Topics, camera: &Camera, known: Known<'_>) -> Vec<Message> {
    let message = |leaf, payload: String| Message::retained(topics.camera(&camera.id, leaf), payload);
    let nothing = History::default();
    let history = known.history.unwrap_or(&nothing);
    let states = [
        message(Leaf::Status, status(camera, known.state)),
        message(Leaf::LastEvent, last_event(history)),
        message(Leaf::Counts, counts(camera, history)),
        message(Leaf::Activity, activity(history)),
    ];
    // Without a host there is nothing to hear.
    let hearing = camera.host.as_ref().map(|_host| message(Leaf::Hearing, hearing(known.hearing)));
    states.into_iter().chain(hearing).collect()
}

/// A camera's availability. A push-only camera is there as long as we are: nobody can know more. Any other has to be
/// seen first.
#[must_use]
pub(crate) fn availability(topics: &Topics, camera: &Camera, state: Option<&CameraState>) -> Message {
    let online = state.is_some_and(|state| state.status == Status::Online);
    let payload = if online || camera.is_push_only() { ONLINE } else { OFFLINE };
    Message::retained(topics.camera(&camera.id, Leaf::Availability), payload)
}

/// What the bridge says of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Events {
    /// Accepted, and not yet at the broker.
    pub waiting: u64,
    /// Never reached the broker and became too old, since the start.
    pub dropped: u64,
}

impl Events {
    /// As the outbox has it now.
    #[must_use]
    pub(crate) fn of(outbox: &Outbox) -> Self {
        Self { waiting: *outbox.waiting().borrow(), dropped: outbox.figures().dropped }
    }
}

/// The cameras that are announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    /// All of them.
    pub total: usize,
    /// Those that are online.
    pub online: usize,
}

/// The bridge's retained state.
#[must_use]
pub(crate) fn bridge(topics: &Topics, up: &Up, cameras: Count, events: Events) -> Message {
    let payload = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "link": "up",
        "broker": up.broker,
        "protocol": up.protocol,
        "cameras": { "total": cameras.total, "online": cameras.online },
        "outbox_depth": events.waiting,
        "dropped": events.dropped,
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
        (None, None) if camera.host.is_some() => "onvif",
        (None, None) => "push",
    }
}

/// Home Assistant shows whole seconds, and shorter texts are easier to read.
fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn last_event(history: &History) -> String {
    let last = history.last.as_deref();
    json!({
        "event_id": last.map(|event| &event.event_id),
        "timestamp": last.map(|event| event.timestamp),
        "description_snippet": last.map(|event| snippet(event.description.as_deref().unwrap_or(event.kind))),
        "smart_detection_type": last.map(|event| event.kind),
    })
    .to_string()
}

fn counts(camera: &Camera, history: &History) -> String {
    json!({
        "events_today": history.today,
        "events_this_week": history.this_week,
        "camera_id": camera.id,
        "last_updated": history.counted_at.map(seconds),
    })
    .to_string()
}

fn hearing(state: Option<&HearingState>) -> String {
    json!({
        "state": state.map_or(Hearing::Unknown, |state| state.hearing).as_str(),
        "reason": state.and_then(|state| state.reason).map(|reason| reason.as_str()),
        "detail": state.and_then(|state| state.detail.as_deref()),
        "since": state.map(|state| seconds(state.since)),
        "unknown_topics": state.map_or(0, |state| state.unknown.len()),
    })
    .to_string()
}

fn activity(history: &History) -> String {
    let state = if history.active_until.is_some() { "ON" } else { "OFF" };
    json!({ "state": state, "last_event_at": history.last.as_ref().map(|event| event.timestamp) }).to_string()
}
