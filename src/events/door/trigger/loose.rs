//! Makes the known fields of a message right, or takes them out: the sender cannot be told. Pure; time is an argument.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Number, Value};

use super::super::decode;

/// Names under which cameras say when it was, besides ours.
const TIMES: [&str; 5] = ["dateTime", "datetime", "eventTime", "time", "alarmTime"];
/// Names under which they say in words what it was.
const DESCRIPTIONS: [&str; 6] = ["eventDescription", "message", "msg", "text", "title", "memo"];
/// A camera's clock counts only when it is right: an event that seems to be old would fire nothing.
const PLAUSIBLE: SignedDuration = SignedDuration::from_mins(5);

/// The fields with known ones that decoding accepts.
pub(super) fn known(mut fields: Map<String, Value>, received: Timestamp) -> Map<String, Value> {
    let time = time(&fields, received);
    set(&mut fields, "timestamp", time.map(|time| Value::String(time.to_string())));
    let ring = fields.get("is_doorbell_ring").and_then(yes_or_no).map(Value::Bool);
    set(&mut fields, "is_doorbell_ring", ring);
    let description = description(&fields).map(Value::String);
    set(&mut fields, "description", description);
    let id = fields.get("event_id").filter(|_| decode::event_id(&fields).is_ok()).cloned();
    set(&mut fields, "event_id", id);
    let kind = fields.get("smart_detection_type").filter(|kind| kind.is_string()).cloned();
    set(&mut fields, "smart_detection_type", kind);
    fields
}

fn set(fields: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => {
            fields.insert(name.to_owned(), value);
        }
        None => {
            if fields.remove(name).is_some_and(|value| !value.is_null()) {
                tracing::debug!(field = name, "A field at a trigger is not understood and passed over");
            }
        }
    }
}

/// When it was. A time with a zone, or a number, under our own name is believed; everything else only when it is about now.
fn time(fields: &Map<String, Value>, received: Timestamp) -> Option<Timestamp> {
    let is_sane = |time: &Timestamp| decode::is_sane(*time, received);
    let ours = fields.get("timestamp").and_then(exact).filter(is_sane);
    let plausible = |time: &Timestamp| time.duration_since(received).abs() <= PLAUSIBLE;
    let theirs = || TIMES.iter().filter_map(|name| exact(fields.get(*name)?)).find(plausible);
    ours.or_else(theirs)
}

/// A time that leaves nothing to guess: RFC 3339, or seconds, milliseconds or microseconds since 1970.
fn exact(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => since_1970(number),
        Value::String(text) => {
            let text = text.trim();
            let number = text.parse::<f64>().ok().and_then(Number::from_f64);
            number.as_ref().and_then(since_1970).or_else(|| text.get(..text.len().min(64))?.parse().ok())
        }
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it was looked at before")]
fn since_1970(number: &Number) -> Option<Timestamp> {
    let number = number.as_f64()?;
    let seconds = match number {
        // The year 2000 in seconds, milliseconds and microseconds, and a hundred times as much.
        9e8..9e10 => number,
        9e11..9e13 => number / 1e3,
        9e14..9e16 => number / 1e6,
        _ => return None,
    };
    Timestamp::from_millisecond((seconds * 1e3).round() as i64).ok()
}

fn yes_or_no(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(yes) => Some(*yes),
        Value::Number(number) => Some(number.as_f64()? != 0.0),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" | "" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// In words what it was: ours, else theirs, also in the one group that all of a message is put into.
fn description(fields: &Map<String, Value>) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let theirs = |fields: &Map<String, Value>| DESCRIPTIONS.iter().find_map(|name| text(fields.get(*name)?));
    let ours = fields.get("description").and_then(text);
    let group = || {
        fields
            .values()
            .filter_map(Value::as_object)
            .find_map(|group| theirs(group).or_else(|| text(group.get("name")?)))
    };
    ours.or_else(|| theirs(fields)).or_else(group)
}
