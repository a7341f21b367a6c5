// What must hold for every message, whatever it is; included by each target.

use camera_herald::camera::{CameraId, CameraKind};
use camera_herald::events::door::Reject;
use camera_herald::events::door::decode::{self, Envelope};
use camera_herald::events::door::message::Message;
use camera_herald::events::door::trigger::{self, Told};
use serde_json::Value;

fn bad(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

fn is_clean(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains(bad),
        Value::Array(values) => values.iter().all(is_clean),
        Value::Object(fields) => fields.iter().all(|(key, value)| !key.contains(bad) && is_clean(value)),
        _ => true,
    }
}

fn envelope() -> Envelope {
    Envelope {
        camera: CameraId::new("front").expect("an id"),
        kind: CameraKind::Doorbell,
        received: jiff::Timestamp::from_second(1_777_896_000).expect("a time"),
        spare_id: 7,
    }
}

/// What a trigger takes is never refused afterwards.
fn judge_trigger(content_type: &str, body: &bytes::Bytes, query: &str) {
    if let Told::Event(message) = trigger::told(content_type, body, query, envelope().received) {
        assert!(decode::event(envelope(), message.clone()).is_ok());
        judge(Ok(message));
    }
}

fn judge(message: Result<Message, Reject>) {
    let Ok(event) = message.and_then(|message| decode::event(envelope(), message)) else { return };
    assert!((1..=128).contains(&event.event_id.chars().count()));
    assert!(!event.event_id.chars().any(char::is_control));
    assert!(event.description.is_none_or(|text| !text.contains(bad)));
    assert!(event.fields.iter().all(|(key, value)| !key.contains(bad) && is_clean(value)));
    assert!((event.timestamp.as_second() - event.received.as_second()) <= 86_400);
    assert!(event.picture.is_none_or(|picture| picture.starts_with(&[0xff, 0xd8, 0xff])));
}
