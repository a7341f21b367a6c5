//! The fields of a message: read within bounds, and freed of what no text may hold.
//!
//! The bounds hold while reading, so that a small body cannot grow to a large tree.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::Reject;

/// Lists and objects in one another.
pub(super) const MAX_DEPTH: usize = 16;
/// Values of all kinds in one message. A value takes 32 bytes at least, its text may take two.
pub(super) const MAX_VALUES: usize = 10_000;

/// Reads one JSON object. Of two equal keys the last one wins.
pub(super) fn parse(text: &[u8]) -> Result<Map<String, Value>, Reject> {
    match parse_any(text)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(Reject::NotAnObject),
    }
}

/// Reads one JSON value.
pub(super) fn parse_any(text: &[u8]) -> Result<Value, Reject> {
    // RFC 8259, section 8.1: a reader may ignore a byte order mark, and some cameras send one.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let bounds = Bounds { values: Cell::new(MAX_VALUES), crossed: Cell::new(None) };
    let mut reader = serde_json::Deserializer::from_slice(text);
    let seed = Seed { bounds: &bounds, depth: MAX_DEPTH };
    let read = seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| {
        let broken = Reject::NotJson { line: error.line(), column: error.column() };
        bounds.crossed.get().unwrap_or(broken)
    })
}

/// Takes the control characters out of every text, except line ends and tabs: databases, terminals and Home
/// Assistant's templates stumble over them.
pub(super) fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean_text(text)),
        Value::Array(values) => values.into_iter().map(clean).collect(),
        Value::Object(fields) => Value::Object(clean_fields(fields)),
        other => other,
    }
}

/// [`clean`] for a whole message.
pub(super) fn clean_fields(fields: Map<String, Value>) -> Map<String, Value> {
    fields.into_iter().map(|(key, value)| (clean_text(key), clean(value))).collect()
}

/// [`clean`] for one text.
pub(super) fn clean_text(mut text: String) -> String {
    text.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    text
}

struct Bounds {
    values: Cell<usize>,
    crossed: Cell<Option<Reject>>,
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    bounds: &'a Bounds,
    depth: usize,
}

impl Seed<'_> {
    fn stop<E: Error>(self, reject: Reject) -> E {
        self.bounds.crossed.set(Some(reject));
        E::custom("a bound is crossed")
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.stop(Reject::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        match self.bounds.values.get().checked_sub(1) {
            Some(left) => self.bounds.values.set(left),
            None => return Err(self.stop(Reject::TooManyValues)),
        }
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inside = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let inside = self.deeper()?;
        let mut fields = Map::new();
        while let Some(key) = object.next_key()? {
            let value = object.next_value_seed(inside)?;
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_read_as_it_is() {
        let text = r#"{"a":[1,-2,0.5,"x",null,true],"b":{"c":{}},"b":"last wins"}"#;
        let fields = parse(text.as_bytes()).unwrap();
        assert_eq!(Value::Object(fields), json!({ "a": [1, -2, 0.5, "x", null, true], "b": "last wins" }));
        assert!(parse(b"\xef\xbb\xbf {} \n").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_object_says_so() {
        for (text, expected) in [
            ("", Reject::NotJson { line: 1, column: 0 }),
            ("{", Reject::NotJson { line: 1, column: 1 }),
            ("{}\n{}", Reject::NotJson { line: 2, column: 1 }),
            ("[]", Reject::NotAnObject),
            ("1", Reject::NotAnObject),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(expected), "{text}");
        }
        for text in [&b"{\"a\":\"\xff\"}"[..], br#"{"a":"\ud800"}"#, br#"{"a":1e999}"#, b"{'a':1}"] {
            assert!(matches!(parse(text), Err(Reject::NotJson { .. })), "{text:?}");
        }
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(parse(nested(MAX_DEPTH + 1).as_bytes()), Err(Reject::TooDeep));
        assert_eq!(parse(nested(1_000_000).as_bytes()), Err(Reject::TooDeep));
        let list = |count: usize| format!("{{\"a\":[{}]}}", vec!["0"; count].join(","));
        assert!(parse(list(MAX_VALUES - 2).as_bytes()).is_ok());
        assert_eq!(parse(list(MAX_VALUES - 1).as_bytes()), Err(Reject::TooManyValues));
    }

    #[test]
    fn control_characters_go_and_line_ends_stay() {
        let value = json!({ "a\u{0}": ["x\u{0}y\r\n\tz\u{1b}\u{9b}\u{7f}"] });
        assert_eq!(clean(value), json!({ "a": ["xy\n\tz"] }));
    }
}
