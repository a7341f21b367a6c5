//! The JSON for the `event` topic, and for `detection`. Pure.
//!
//! Home Assistant's recorder does not keep attributes over 16 KiB, so the body is always smaller: what the sender made
//! up goes first, the largest field first, and `left_out` says what.

use serde_json::{Map, Value, json};

use crate::events::door::Event;

/// The longest state that Home Assistant takes, in characters.
const STATE: usize = 255;

/// The largest body, in bytes. Home Assistant adds attributes of its own, and keeps 16,384 bytes.
const BODY: usize = 15 * 1_024;

/// A description is cut to so many characters, when there is no other way: at four bytes each it fits.
const DESCRIPTION: usize = 2_000;

/// Names in `left_out`, and characters of each.
const NAMES: (usize, usize) = (20, 32);

/// Bytes that are kept free for `left_out`: its names may be of four bytes a character.
const ROOM_FOR_NAMES: usize = (NAMES.0 + 1) * (NAMES.1 * 4 + 8);

/// These say what the event is; they are bounded, and never left out.
const OURS: [&str; 8] = [
    "event_id",
    "camera_id",
    "camera_name",
    "timestamp",
    "event_type",
    "smart_detection_type",
    "description",
    "received_at",
];

/// The other fields of the contract: they go after those that the sender made up.
const KNOWN: [&str; 9] = [
    "objects_detected",
    "confidence",
    "ai_confidence",
    "is_doorbell_ring",
    "thumbnail_url",
    "provider_used",
    "source_type",
    "delivery_carrier",
    "audio_event_type",
];

/// The body of an event: every field as it was sent, as far as it fits, and what we know of it.
#[must_use]
pub(crate) fn body(event: &Event, camera_name: &str) -> Map<String, Value> {
    let mut fields: Map<String, Value> = event
        .fields
        .iter()
        .map(|(name, value)| (clean(name), cleaned(value)))
        .filter(|(name, _)| name != "left_out")
        .collect();
    let detection = match fields.remove("smart_detection_type") {
        Some(Value::String(sent)) => shorten(&sent, STATE),
        _ => event.kind.as_str().to_owned(),
    };
    fields.extend([
        ("event_id".to_owned(), json!(shorten(&clean(&event.event_id), STATE))),
        ("camera_id".to_owned(), json!(event.camera)),
        ("camera_name".to_owned(), json!(snippet(camera_name))),
        ("timestamp".to_owned(), json!(event.timestamp)),
        ("event_type".to_owned(), json!(event.kind.as_str())),
        ("smart_detection_type".to_owned(), json!(detection)),
        ("description".to_owned(), json!(event.description.as_deref().map(clean))),
        ("received_at".to_owned(), json!(event.received)),
    ]);
    fit(&mut fields);
    fields
}

/// The body as it fires in Home Assistant: with the outbox's name and the event's number in it, by which the event entity's template passes
/// over what has fired already. A sender's fields of these names give way: nobody else may say what a repetition is.
pub(super) fn detection(body: &str, outbox: &str, number: i64) -> String {
    match serde_json::from_str::<Map<String, Value>>(body) {
        Ok(mut fields) => {
            fields.insert("outbox".to_owned(), json!(outbox));
            fields.insert("number".to_owned(), json!(number));
            Value::Object(fields).to_string()
        }
        // Not written by us. Home Assistant says what is wrong with it.
        Err(_not_json) => body.to_owned(),
    }
}

/// A text as a state: one line of at most 255 characters, cut at a word.
#[must_use]
pub(crate) fn snippet(text: &str) -> String {
    let line = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&line, STATE)
}

/// Leaves fields out until the rest fits.
fn fit(fields: &mut Map<String, Value>) {
    let mut size = length(fields);
    if size <= BODY {
        return;
    }
    let mut candidates: Vec<(bool, usize, String)> = fields
        .iter()
        .filter(|(name, _)| !OURS.contains(&name.as_str()))
        .map(|(name, value)| (KNOWN.contains(&name.as_str()), length(name) + length(value) + 2, name.clone()))
        .collect();
    // The last one goes first: unknown before known, large before small.
    candidates.sort_by(|a, b| (!a.0, a.1, &a.2).cmp(&(!b.0, b.1, &b.2)));
    let mut left_out = Vec::new();
    let own = fields.get("description").map_or(0, length);
    // A long description alone does not drive out the rest.
    let description = own.saturating_sub(DESCRIPTION * 4);
    while size - description > BODY - ROOM_FOR_NAMES {
        let Some((_, bytes, name)) = candidates.pop() else { break };
        fields.remove(&name);
        size -= bytes;
        left_out.push(name);
    }
    if size > BODY - ROOM_FOR_NAMES
        && let Some(Value::String(description)) = fields.get_mut("description")
    {
        *description = shorten(description, DESCRIPTION);
        left_out.insert(0, "description".to_owned());
    }
    fields.insert("left_out".to_owned(), json!(names(&left_out)));
}

fn names(left_out: &[String]) -> Vec<String> {
    let more = left_out.len().saturating_sub(NAMES.0);
    let shown = left_out.iter().take(NAMES.0).map(|name| shorten(name, NAMES.1));
    shown.chain((more > 0).then(|| format!("and {more} more"))).collect()
}

/// Bytes as JSON.
fn length<T: serde::Serialize + ?Sized>(value: &T) -> usize {
    serde_json::to_string(value).map_or(usize::MAX / 2, |json| json.len())
}

fn cleaned(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => items.iter().map(cleaned).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (clean(name), cleaned(value))).collect())
        }
        other => other.clone(),
    }
}

/// Without control characters, which Home Assistant's templates and many displays stumble over.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// At most so many characters, cut after a word if there is one in the second half, with an ellipsis.
fn shorten(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let end = text.char_indices().nth(most - 1).map_or(text.len(), |(at, _)| at);
    let (kept, rest) = text.split_at(end);
    let at_word =
        if rest.starts_with(char::is_whitespace) { Some(kept.len()) } else { kept.rfind(char::is_whitespace) };
    let cut = at_word.filter(|at| *at >= kept.len() / 2).unwrap_or(kept.len());
    // A joiner or a variation selector at the end would take the ellipsis for its next part.
    let words = kept[..cut].trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200d}' | '\u{fe0f}'));
    format!("{words}…")
}

#[cfg(test)]
mod tests;
