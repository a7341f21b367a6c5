use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::camera::CameraId;
use crate::events::door::EventKind;

fn event(fields: Value) -> Event {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    Event {
        camera: CameraId::new("front_door").unwrap(),
        event_id: "e1".to_owned(),
        timestamp: "2026-11-24T10:00:00Z".parse::<Timestamp>().unwrap(),
        received: "2026-11-24T10:00:01.5Z".parse::<Timestamp>().unwrap(),
        kind: EventKind::Person,
        description: fields.get("description").and_then(Value::as_str).map(str::to_owned),
        fields,
        picture: None,
    }
}

fn has_control(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(char::is_control),
        Value::Array(items) => items.iter().any(has_control),
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains(char::is_control) || has_control(value))
        }
        _ => false,
    }
}

#[test]
fn a_body_has_every_field_as_sent_and_what_we_know() {
    let event = event(json!({
        "event_id": "theirs", "description": "Somebody at the door", "confidence": 87, "provider_used": "grok",
        "zone": {"name": "porch", "ids": [1, 2]}, "left_out": ["made up"],
    }));
    assert_eq!(
        Value::Object(body(&event, "Front door")),
        json!({
            "event_id": "e1", "camera_id": "front_door", "camera_name": "Front door",
            "timestamp": "2026-11-24T10:00:00Z", "received_at": "2026-11-24T10:00:01.5Z",
            "event_type": "person", "smart_detection_type": "person", "description": "Somebody at the door",
            "confidence": 87, "provider_used": "grok", "zone": {"name": "porch", "ids": [1, 2]},
        })
    );
}

#[test]
fn what_the_sender_made_up_is_left_out_first() {
    let event = event(json!({
        "description": "short", "objects_detected": "o".repeat(6_000), "small": 1, "middle": "m".repeat(5_000),
        "large": "l".repeat(9_000), "smart_detection_type": "vehicle",
    }));
    let body = body(&event, "Front door");
    assert_eq!(body["left_out"], json!(["large"]));
    assert_eq!(body["smart_detection_type"], "vehicle");
    assert!(body.contains_key("middle") && body.contains_key("small") && body.contains_key("objects_detected"));
}

#[test]
fn a_novel_of_a_description_does_not_drive_out_the_rest() {
    let event = event(json!({"description": "word ".repeat(100_000), "confidence": 3, "zone": "porch"}));
    let body = body(&event, "Front door");
    assert_eq!(
        (&body["left_out"], &body["confidence"], &body["zone"]),
        (&json!(["description"]), &json!(3), &json!("porch"))
    );
    assert!(body["description"].as_str().unwrap().ends_with("word…"));
}

#[test]
fn thousands_of_fields_are_left_out_by_number() {
    let fields: Map<String, Value> = (0..5_000).map(|n| (format!("field {n}"), json!(n))).collect();
    let body = body(&event(Value::Object(fields)), "Front door");
    let left_out = body["left_out"].as_array().unwrap();
    assert_eq!(left_out.len(), NAMES.0 + 1);
    assert!(left_out.last().unwrap().as_str().unwrap().ends_with("more"));
    assert!(length(&body) <= BODY && length(&body) > BODY / 2);
}

#[test]
fn snippets_are_cut_at_a_word() {
    assert_eq!(snippet("A person\n  at\tthe door"), "A person at the door");
    assert_eq!(snippet(&"x".repeat(255)), "x".repeat(255));
    assert_eq!(snippet(&"x".repeat(256)), format!("{}…", "x".repeat(254)));
    let long = "word ".repeat(60);
    assert_eq!(snippet(&long), format!("{}…", "word ".repeat(51).trim_end()));
    assert_eq!(snippet(&"ü ".repeat(300)).chars().count(), 254);
    assert_eq!(snippet(""), "");
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        (any::<char>(), 0_usize..8_000).prop_map(|(c, n)| Value::from(c.to_string().repeat(n))),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_body_always_fits_and_says_what_is_missing(
        mut fields in prop::collection::vec((any::<String>(), json_value()), 0..12)
            .prop_map(|fields| fields.into_iter().collect::<Map<_, _>>()),
        description in prop::option::of((any::<char>(), 0_usize..20_000).prop_map(|(c, n)| c.to_string().repeat(n))),
        event_id in any::<String>(),
        name in (any::<char>(), 0_usize..600).prop_map(|(c, n)| c.to_string().repeat(n)),
        known in json_value(),
    ) {
        if let Some(description) = &description {
            fields.insert("description".to_owned(), Value::from(description.clone()));
        }
        fields.insert("confidence".to_owned(), known);
        let sent = fields.len();
        let mut event = event(Value::Object(fields));
        event.description = description;
        event.event_id = event_id;
        let body = body(&event, &name);
        prop_assert!(length(&body) <= BODY, "{} bytes", length(&body));
        prop_assert!(OURS.iter().all(|name| body.contains_key(*name)));
        prop_assert!(!has_control(&Value::Object(body.clone())));
        prop_assert!(body.contains_key("left_out") || body.len() + 1 >= sent || sent == 0);
    }

    #[test]
    fn a_snippet_is_a_state(text in prop_oneof![any::<String>(), "[a-zäöü👩‍🦰 \n]{0,600}"]) {
        let snippet = snippet(&text);
        prop_assert!(snippet.chars().count() <= STATE);
        prop_assert!(!snippet.contains(char::is_control));
        let line = text.replace(char::is_control, " ").split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() <= STATE {
            prop_assert_eq!(snippet, line);
        } else {
            prop_assert!(snippet.ends_with('…'));
            prop_assert!(line.starts_with(snippet.trim_end_matches('…')) );
        }
    }
}

#[test]
fn what_fires_is_the_body_with_the_outbox_and_the_number() {
    let event = event(json!({"confidence": 87, "description": "Somebody \"at\" the door"}));
    let mut fields = body(&event, "Front door");
    let fires = detection(&Value::Object(fields.clone()).to_string(), "0c4f", 1_795_600_000_123);
    fields.extend([("outbox".to_owned(), json!("0c4f")), ("number".to_owned(), json!(1_795_600_000_123_i64))]);
    assert_eq!(serde_json::from_str::<Value>(&fires).unwrap(), Value::Object(fields));
}

#[test]
fn a_sender_cannot_say_what_a_repetition_is() {
    let event = event(json!({"outbox": "0c4f", "number": 9_000_000_000_000_000_i64}));
    let fires = detection(&Value::Object(body(&event, "Front door")).to_string(), "77aa", 5);
    assert!(fires.matches("outbox").count() == 1 && fires.matches("number").count() == 1, "{fires}");
    let fires: Value = serde_json::from_str(&fires).unwrap();
    assert_eq!((&fires["outbox"], &fires["number"]), (&json!("77aa"), &json!(5)));
}

#[test]
fn the_largest_body_still_has_room_for_the_outbox_and_the_number() {
    let event = event(json!({"large": "l".repeat(14_700)}));
    let body = Value::Object(body(&event, &"n".repeat(255))).to_string();
    let fires = detection(&body, &"f".repeat(16), 1_795_600_000_123);
    assert!(body.len() > BODY - 250 && fires.len() <= BODY + 64, "{} and {}", body.len(), fires.len());
}
