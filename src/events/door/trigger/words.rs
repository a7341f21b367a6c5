//! The words in which cameras say what they saw. Pure.

use serde_json::{Map, Value};

use super::super::kind;
use crate::events::door::EventKind;

/// More than any message has that is about one moment.
const MAX_FACTS: usize = 1_000;

/// Names of fields that say what was seen; never those of free text, in which a camera's name may be "Doorbell".
const SEEN: [&str; 28] = [
    "smartdetectiontype",
    "type",
    "types",
    "eventtype",
    "targettype",
    "detectiontarget",
    "detectiontype",
    "code",
    "label",
    "labels",
    "sublabel",
    "classname",
    "class",
    "object",
    "objects",
    "objecttype",
    "objectclass",
    "objectsdetected",
    "tag",
    "tags",
    "ai",
    "key",
    "reason",
    "memo",
    "alarmtype",
    "event",
    "topic",
    "kind",
];

/// One value of a message, wherever it stands, in small letters and digits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fact {
    pub(super) name: String,
    pub(super) value: String,
    /// As it was sent.
    raw: String,
}

impl Fact {
    /// What was seen, if the value says so.
    pub(super) fn kind(&self) -> Option<EventKind> {
        kind::from_word(&self.raw).or_else(|| kind_in(&self.raw))
    }
}

/// All values of a message with the names that they stand under, those in lists under the list's.
pub(super) fn facts<'a>(fields: impl Iterator<Item = (&'a String, &'a Value)>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (name, value) in fields {
        gather(name, value, &mut facts);
    }
    facts
}

fn gather(name: &str, value: &Value, facts: &mut Vec<Fact>) {
    if facts.len() >= MAX_FACTS {
        return;
    }
    let mut add = |raw: String| facts.push(Fact { name: joined(name), value: joined(&raw), raw });
    match value {
        Value::Null => add(String::new()),
        Value::Bool(yes) => add(yes.to_string()),
        Value::Number(number) => add(number.to_string()),
        Value::String(text) => add(text.chars().take(256).collect()),
        Value::Array(values) => values.iter().for_each(|value| gather(name, value, facts)),
        Value::Object(fields) => {
            add(String::new());
            fields.iter().for_each(|(name, value)| gather(name, value, facts));
        }
    }
}

/// Letters and digits only, and small: `Event-Type`, `event_type` and `eventType` are one name.
pub(super) fn joined(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(64).collect()
}

/// What a query says by its `type`; any word that nobody knows is *other*, as at the events door.
pub(super) fn kind_of_query(query: &Map<String, Value>) -> Option<String> {
    let text = query.get("smart_detection_type")?.as_str()?.trim();
    let known = kind::from_word(text).or_else(|| kind_in(text));
    (!text.is_empty()).then(|| known.map_or_else(|| text.to_owned(), |kind| kind.as_str().to_owned()))
}

/// What was seen: the first that is more than motion, else motion; the word itself where only a `type` is given that nobody knows.
pub(super) fn kind(facts: &[Fact]) -> Option<String> {
    let seen = facts.iter().filter(|fact| SEEN.contains(&fact.name.as_str()) && !fact.value.is_empty());
    let kinds: Vec<EventKind> = seen.filter_map(Fact::kind).collect();
    let more = kinds.iter().find(|kind| **kind != EventKind::Motion);
    more.or(kinds.first()).map(|kind| kind.as_str().to_owned())
}

/// The kind that one of the words in a text means: `MOTION_A`, `SmartMotionHuman`, `tns1:VideoSource/MotionAlarm`, `person:87%,car:60%`.
fn kind_in(text: &str) -> Option<EventKind> {
    let kinds: Vec<EventKind> = words(text).iter().filter_map(|word| kind::from_word(word)).collect();
    kinds.iter().find(|kind| **kind != EventKind::Motion).or(kinds.first()).copied()
}

/// The words of a text: between signs and digits, and at each capital letter after a small one.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in text.chars().take(256) {
        if !c.is_alphabetic() || (was_small && c.is_uppercase()) {
            words.push(String::new());
        }
        if c.is_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.push(c);
        }
        was_small = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}
