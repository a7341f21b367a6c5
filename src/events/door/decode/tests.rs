use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::events::door::EventKind;

fn envelope() -> Envelope {
    Envelope {
        camera: CameraId::new("front").unwrap(),
        kind: CameraKind::Doorbell,
        received: "2026-05-04T12:00:00Z".parse().unwrap(),
        spare_id: 7,
    }
}

fn read(fields: &Value) -> Result<Event, Reject> {
    event(envelope(), Message::from_json(fields.to_string().as_bytes())?)
}

#[test]
fn every_field_of_the_contract_is_kept() {
    let sent = json!({
        "event_id": "0b3c", "timestamp": "2026-05-04T13:59:58.5+02:00", "smart_detection_type": "person",
        "description": " Somebody at the door ", "objects_detected": ["person", "package"], "confidence": 87,
        "ai_confidence": 0.9, "is_doorbell_ring": true, "thumbnail_url": "/t.jpg", "provider_used": "x",
        "source_type": "protect", "delivery_carrier": "post", "rule": { "id": 1, "name": null },
    });
    let event = read(&sent).unwrap();
    assert_eq!(event.event_id, "0b3c");
    assert_eq!(event.timestamp, "2026-05-04T11:59:58.5Z".parse().unwrap());
    assert_eq!(event.received, envelope().received);
    assert_eq!(event.kind, EventKind::Ring);
    assert_eq!(event.description.as_deref(), Some("Somebody at the door"));
    assert_eq!(Value::Object(event.fields), sent);
}

#[test]
fn what_is_missing_is_filled_in() {
    let event = read(&json!({ "event_id": null, "timestamp": null, "description": null })).unwrap();
    assert_eq!(event.event_id, "00000000000000000000000000000007");
    assert_eq!(event.timestamp, envelope().received);
    assert_eq!(event.kind, EventKind::Motion);
    assert_eq!(event.description, None);
}

#[test]
fn ids_are_short_texts_without_control_characters() {
    for (good, text) in [(json!("a/b#+$"), "a/b#+$"), (json!("ü".repeat(128)), &"ü".repeat(128)), (json!(42), "42")] {
        assert_eq!(read(&json!({ "event_id": good })).unwrap().event_id, text);
    }
    for bad in [
        json!(""),
        json!(" "),
        json!("x".repeat(129)),
        json!("a\u{0}b"),
        json!("a\nb"),
        json!("\u{85}"),
        json!([]),
        json!(true),
    ] {
        assert_eq!(read(&json!({ "event_id": bad })), Err(Reject::EventId), "{bad}");
    }
}

#[test]
fn times_are_read_with_and_without_a_zone() {
    for (text, expected) in [
        ("2026-05-04T11:00:00Z", "2026-05-04T11:00:00Z"),
        ("2026-05-04t11:00:00z", "2026-05-04T11:00:00Z"),
        ("2026-05-04 13:00:00+02:00", "2026-05-04T11:00:00Z"),
        ("2026-05-04T11:00:00.123456", "2026-05-04T11:00:00.123456Z"),
        ("2026-05-05T11:59:59Z", "2026-05-05T11:59:59Z"),
        ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z"),
    ] {
        let expected: Timestamp = expected.parse().unwrap();
        assert_eq!(read(&json!({ "timestamp": text })).unwrap().timestamp, expected, "{text}");
    }
}

#[test]
fn times_that_make_no_sense_are_refused() {
    for (bad, reject) in [
        (json!("1970-01-01T00:00:00Z"), Reject::Clock),
        (json!("1999-12-31T23:59:59Z"), Reject::Clock),
        (json!("2026-05-05T12:00:01Z"), Reject::Clock),
        (json!("2099-01-01T00:00:00Z"), Reject::Clock),
        (json!("2100-01-01T00:00:00Z"), Reject::Clock),
        (json!("9999-12-31T23:59:59-12:00"), Reject::Timestamp),
        (json!("2026-05-04"), Reject::Timestamp),
        (json!("2026-02-30T00:00:00Z"), Reject::Timestamp),
        (json!("yesterday"), Reject::Timestamp),
        (json!(""), Reject::Timestamp),
        (json!(1_777_896_000), Reject::Timestamp),
        (json!("0".repeat(65)), Reject::Timestamp),
    ] {
        assert_eq!(read(&json!({ "timestamp": bad })), Err(reject), "{bad}");
    }
}

#[test]
fn a_description_is_text() {
    assert_eq!(read(&json!({ "description": "\u{0} " })).unwrap().description, None);
    assert_eq!(read(&json!({ "description": ["x"] })), Err(Reject::Description));
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        ".{0,20}".prop_map(Value::String),
        "[\u{0}-\u{1f}\u{7f}-\u{9f}a]{0,6}".prop_map(Value::String),
        "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](Z|[+-][01][0-9]:00)?".prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::hash_map(".{0,8}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn message() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        Just("event_id".to_owned()),
        Just("timestamp".to_owned()),
        Just("smart_detection_type".to_owned()),
        Just("description".to_owned()),
        Just("is_doorbell_ring".to_owned()),
        ".{0,12}",
    ];
    proptest::collection::vec((key, json_value()), 0..8).prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
}

fn is_clean(value: &Value) -> bool {
    let clean = |text: &str| !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
    match value {
        Value::String(text) => clean(text),
        Value::Array(values) => values.iter().all(is_clean),
        Value::Object(fields) => fields.iter().all(|(key, value)| clean(key) && is_clean(value)),
        _ => true,
    }
}

proptest! {
    #[test]
    fn whatever_comes_through_is_safe(sent in message()) {
        if let Ok(event) = read(&sent) {
            prop_assert!((1..=128).contains(&event.event_id.chars().count()));
            prop_assert!(!event.event_id.chars().any(char::is_control));
            prop_assert!(event.description.is_none_or(|text| is_clean(&Value::String(text))));
            prop_assert!(is_clean(&Value::Object(event.fields)));
            prop_assert!(event.timestamp.duration_since(event.received) <= MAX_AHEAD);
        }
    }
}
