//! From a message to an event: pure. Time and chance come as arguments.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::message::Message;
use super::{Event, Reject, fields, kind};
use crate::camera::{CameraId, CameraKind};

/// In characters.
const MAX_EVENT_ID: usize = 128;
/// How far a sender's clock may be ahead.
const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// What is known of a message besides itself.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    /// Whose it is: the door's address says it.
    pub camera: CameraId,
    /// What kind of camera that is.
    pub kind: CameraKind,
    /// When it came.
    pub received: Timestamp,
    /// Becomes the event's id when the sender gives none: 128 random bits.
    pub spare_id: u128,
}

/// Makes an event of a message.
///
/// # Errors
/// When a field that we know makes no sense. Unknown fields are kept, whatever they are.
pub(crate) fn event(envelope: Envelope, message: Message) -> Result<Event, Reject> {
    let Message { fields, picture } = message;
    let event_id = event_id(&fields)?.unwrap_or_else(|| format!("{:032x}", envelope.spare_id));
    let timestamp = timestamp(&fields, envelope.received)?;
    let kind = kind::of_message(&fields, envelope.kind)?;
    let description = description(&fields)?;
    Ok(Event {
        camera: envelope.camera,
        event_id,
        timestamp,
        received: envelope.received,
        kind,
        description,
        fields: fields::clean_fields(fields),
        picture,
    })
}

/// Looked at before the fields are cleaned: two ids that differ in a control character must not become one.
pub(super) fn event_id(fields: &Map<String, Value>) -> Result<Option<String>, Reject> {
    let text = match fields.get("event_id") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(Reject::EventId),
    };
    let fits = (1..=MAX_EVENT_ID).contains(&text.chars().count()) && !text.trim().is_empty();
    if fits && !text.chars().any(char::is_control) { Ok(Some(text)) } else { Err(Reject::EventId) }
}

fn timestamp(fields: &Map<String, Value>, received: Timestamp) -> Result<Timestamp, Reject> {
    let text = match fields.get("timestamp") {
        None | Some(Value::Null) => return Ok(received),
        Some(Value::String(text)) if text.len() <= 64 => text.trim(),
        Some(_) => return Err(Reject::Timestamp),
    };
    let timestamp = match text.parse::<Timestamp>() {
        Ok(timestamp) => timestamp,
        // RFC 3339 wants a zone. ArgusAI sends UTC without one, so that is what its absence means.
        Err(_no_zone) => utc(text)?,
    };
    if is_sane(timestamp, received) { Ok(timestamp) } else { Err(Reject::Clock) }
}

/// Whether a clock that was set can have told this time.
pub(super) fn is_sane(timestamp: Timestamp, received: Timestamp) -> bool {
    let year = timestamp.to_zoned(TimeZone::UTC).year();
    (2000..=2099).contains(&year) && timestamp.duration_since(received) <= MAX_AHEAD
}

fn utc(text: &str) -> Result<Timestamp, Reject> {
    let has_time = text.contains(['T', 't', ' ']);
    let time: DateTime = text.parse().map_err(|_broken| Reject::Timestamp)?;
    let zoned = time.to_zoned(TimeZone::UTC).map_err(|_outside| Reject::Timestamp)?;
    if has_time { Ok(zoned.timestamp()) } else { Err(Reject::Timestamp) }
}

fn description(fields: &Map<String, Value>) -> Result<Option<String>, Reject> {
    let text = match fields.get("description") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => fields::clean_text(text.clone()),
        Some(_) => return Err(Reject::Description),
    };
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests;
