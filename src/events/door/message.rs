//! What a sender gives, in any of the forms that the doors take: fields and a picture.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Reject, fields, multipart, picture};

/// JSON besides its picture.
pub(crate) const MAX_JSON: usize = 1_024 * 1_024;
/// A body of any form: 8 MiB of picture are 10.7 MiB of base64.
pub(crate) const MAX_BODY: usize = 12 * 1_024 * 1_024;

/// The fields that hold a picture as base64, the better one first.
const PICTURES: [&str; 2] = ["image_base64", "thumbnail_base64"];

/// Fields and a picture, not yet an event.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Message {
    /// As they were sent, without pictures.
    pub fields: Map<String, Value>,
    /// A JPEG.
    pub picture: Option<Bytes>,
}

impl Message {
    /// From a JSON object, which may hold a picture as base64.
    ///
    /// # Errors
    /// When it is broken or crosses a bound.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, Reject> {
        if body.len() > MAX_BODY {
            return Err(Reject::BodyTooLarge);
        }
        let mut fields = fields::parse(body)?;
        let pictures = take_pictures(&mut fields)?;
        let size: usize = pictures.iter().map(String::len).sum();
        if body.len().saturating_sub(size) > MAX_JSON {
            return Err(Reject::JsonTooLarge);
        }
        let picture = pictures.first().map(|text| picture::from_text(text)).transpose()?;
        Ok(Self { fields, picture })
    }

    /// From a form: JSON in one part, a JPEG in another, whatever the parts are called.
    ///
    /// # Errors
    /// When it is broken or crosses a bound.
    pub(crate) fn from_multipart(boundary: &str, body: &Bytes) -> Result<Self, Reject> {
        let (message, picture) = Self::from_parts(boundary, body)?;
        let message = message.ok_or(Reject::NoJsonPart)?;
        Ok(Self { picture: picture.or(message.picture), ..message })
    }

    /// From the query of a URL, without the token. `type` is short for `smart_detection_type`.
    #[must_use]
    pub(crate) fn from_query(query: &str) -> Self {
        let named = |name: String| if name == "type" { "smart_detection_type".to_owned() } else { name };
        let pairs = super::query::pairs(query).filter(|(name, _)| name != "token");
        let fields = pairs.map(|(name, text)| (named(name), Value::String(text))).collect();
        Self { fields, picture: None }
    }

    fn from_parts(boundary: &str, body: &Bytes) -> Result<(Option<Self>, Option<Bytes>), Reject> {
        let (mut message, mut found) = (None, None);
        for part in multipart::parts(boundary, body)? {
            let is_jpeg = picture::looks_like_jpeg(&part.content);
            if is_jpeg || part.content_type.starts_with("image/") {
                // Before the check of the content: a PNG gets an answer too.
                found = found.or(Some(picture::check(part.content)?));
            } else if message.is_none()
                && (is_json(&part.content_type) || part.content.trim_ascii_start().starts_with(b"{"))
            {
                message = Some(Self::from_json(&part.content)?);
            }
        }
        Ok((message, found))
    }
}

/// `application/json` and its kin (RFC 6839), without parameters.
pub(super) fn is_json(content_type: &str) -> bool {
    matches!(content_type, "application/json" | "text/json")
        || (content_type.starts_with("application/") && content_type.ends_with("+json"))
}

/// Takes every picture out of the fields; the best one comes first.
fn take_pictures(fields: &mut Map<String, Value>) -> Result<Vec<String>, Reject> {
    let mut pictures = Vec::new();
    for key in PICTURES {
        match fields.remove(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => pictures.push(text),
            Some(_) => return Err(Reject::NotBase64),
        }
    }
    fields.retain(|_, value| match value {
        Value::String(text) if picture::is_data_url(text) => {
            pictures.push(std::mem::take(text));
            false
        }
        _ => true,
    });
    pictures.retain(|text| !text.trim().is_empty());
    Ok(pictures)
}

#[cfg(test)]
mod tests;
