//! A body by what is in it: types and boundaries of cameras lie too often to be believed.
//!
//! In: bytes, and the type that they are said to have. Out: fields, a picture, and plain text. Invariant: bodies in bodies are opened to a fixed
//! depth, and every part is looked at once.

use bytes::Bytes;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::super::{fields, multipart, picture};
use super::xml;
use crate::picture::jpeg;

/// Bodies in one another: a multipart in a multipart, JSON in a form's field.
const MAX_DEPTH: usize = 3;
/// Fields of a form, an XML or a text.
const MAX_FIELDS: usize = 500;
/// As far as a text is read to find fields in it.
const MAX_TEXT: usize = 1_024 * 1_024;
/// Base64 of a JPEG begins so: ff d8 ff.
const JPEG_AS_TEXT: &str = "/9j/";

/// What was in a body.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) fields: Map<String, Value>,
    pub(super) picture: Option<Bytes>,
    /// What is neither fields nor picture.
    pub(super) text: String,
}

/// Opens a body.
pub(super) fn read(content_type: &str, body: &Bytes) -> Content {
    let mut content = Content::default();
    content.open(content_type, body, MAX_DEPTH);
    if content.picture.is_none() {
        content.take_hidden_picture(body);
    }
    let mut pictures = Vec::new();
    take_texts_of_pictures(&mut content.fields, &mut pictures);
    for text in pictures {
        content.show(picture::from_text(&text));
    }
    content
}

impl Content {
    fn open(&mut self, content_type: &str, body: &Bytes, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        let trimmed = body.trim_ascii();
        let essence = multipart::essence(content_type);
        if trimmed.is_empty() {
        } else if picture::looks_like_jpeg(body) {
            self.show(picture::check(body.clone()));
        } else if trimmed.starts_with(b"--") || essence.starts_with("multipart/") {
            self.open_parts(content_type, body, depth);
        } else if matches!(trimmed[0], b'{' | b'[') {
            self.take_json(trimmed);
        } else if trimmed.starts_with(b"\xef\xbb\xbf") {
            self.open(content_type, &body.slice_ref(&trimmed[3..]), depth);
        } else if trimmed[0] == b'<' {
            self.take(xml::leaves(&String::from_utf8_lossy(&trimmed[..trimmed.len().min(MAX_TEXT)])));
        } else if !trimmed.contains(&0) && trimmed.len() <= MAX_TEXT {
            self.take_text(&essence, &String::from_utf8_lossy(trimmed), depth);
        }
    }

    fn open_parts(&mut self, content_type: &str, body: &Bytes, depth: usize) {
        for part in multipart::loose_parts(content_type, body) {
            let is_value = part.content_type.is_empty() || part.content_type == "text/plain";
            match part.name {
                // A field of a form (RFC 7578), unless it holds more than a value.
                Some(name) if is_value && !is_structured(&part.content) => {
                    let value = String::from_utf8_lossy(&part.content[..part.content.len().min(MAX_TEXT)]).into_owned();
                    self.take([(name, Value::String(value))]);
                }
                _ => self.open(&part.whole_type, &part.content, depth),
            }
        }
    }

    fn take_json(&mut self, text: &[u8]) {
        match fields::parse_any(text) {
            Ok(Value::Object(object)) => self.take(object),
            // Several events in one message: they are one call about one camera.
            Ok(list @ Value::Array(_)) => self.take([("events".to_owned(), list)]),
            Ok(_) => {}
            Err(reject) => tracing::debug!(%reject, "The JSON at a trigger is passed over"),
        }
    }

    fn take_text(&mut self, essence: &str, text: &str, depth: usize) {
        let is_form = essence == "application/x-www-form-urlencoded";
        // Dahua: `Code=VideoMotion;action=Start;index=0;data={…}`, also without the type; and one field a line.
        let (pairs, json) = match text.split_once("data={") {
            Some((pairs, json)) => (pairs, Some(format!("{{{json}"))),
            None => (text, None),
        };
        let looks_like_pairs = !pairs.trim().is_empty() && pairs.contains('=');
        if is_form || (looks_like_pairs && pairs.contains('&') && !pairs.contains([';', '\n'])) {
            let pairs = form_urlencoded::parse(text.as_bytes()).into_owned().take(MAX_FIELDS);
            for (name, value) in pairs.collect::<Vec<_>>() {
                if value.trim_start().starts_with('{') {
                    self.open("application/json", &Bytes::from(value), depth);
                } else {
                    self.take([(name, Value::String(value))]);
                }
            }
        } else if looks_like_pairs {
            let pairs = pairs.split([';', '\n', '\r']).filter_map(|pair| pair.split_once('=')).take(MAX_FIELDS);
            let pairs = pairs.map(|(name, value)| (name.trim().to_owned(), Value::String(value.trim().to_owned())));
            self.take(pairs.collect::<Vec<_>>());
            if let Some(json) = json {
                self.take_json(json.trim_end().as_bytes());
            }
        } else {
            self.text.push_str(text);
        }
    }

    /// The first one counts: what comes after it in a body is about the same, or about less.
    fn take(&mut self, fields: impl IntoIterator<Item = (String, Value)>) {
        for (name, value) in fields {
            if !name.is_empty() && self.fields.len() < MAX_FIELDS {
                self.fields.entry(name).or_insert(value);
            }
        }
    }

    fn show(&mut self, picture: Result<Bytes, super::super::Reject>) {
        match picture {
            Ok(picture) => self.picture = self.picture.take().or(Some(picture)),
            Err(reject) => tracing::debug!(%reject, "The picture at a trigger is passed over"),
        }
    }

    /// In a body that is put together wrongly, or of a type that nobody knows.
    fn take_hidden_picture(&mut self, body: &Bytes) {
        if let Some(place) = jpeg::Walk::default().whole(body) {
            self.show(picture::check(body.slice(place)));
        }
    }
}

fn is_structured(content: &[u8]) -> bool {
    let content = content.trim_ascii_start();
    content.starts_with(b"{")
        || content.starts_with(b"[")
        || content.starts_with(b"<")
        || picture::looks_like_jpeg(content)
}

/// Takes every text that is a picture out of the fields, however deep it is.
fn take_texts_of_pictures(fields: &mut Map<String, Value>, found: &mut Vec<String>) {
    fields.retain(|_, value| !is_picture(value, found));
}

fn is_picture(value: &mut Value, found: &mut Vec<String>) -> bool {
    match value {
        Value::String(text) => {
            let is_one = picture::is_data_url(text) || (text.len() > 64 && text.trim_start().starts_with(JPEG_AS_TEXT));
            if is_one {
                found.push(std::mem::take(text));
            }
            is_one
        }
        Value::Array(values) => {
            values.retain_mut(|value| !is_picture(value, found));
            false
        }
        Value::Object(fields) => {
            take_texts_of_pictures(fields, found);
            false
        }
        _ => false,
    }
}
