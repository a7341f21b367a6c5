//! What a body is, by its content type.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;

use super::message::{Message, is_json};
use super::{Reject, multipart};

/// The content type; empty when there is none.
pub(super) fn of(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Does the events door take it?
pub(super) fn is_taken(content_type: &str) -> bool {
    let essence = multipart::essence(content_type);
    is_json(&essence) || essence == "multipart/form-data"
}

/// At the events door: what was meant must be whole.
pub(super) fn event(content_type: &str, body: Bytes) -> Result<Message, Reject> {
    if is_json(&multipart::essence(content_type)) {
        return Message::from_json(&body);
    }
    Message::from_multipart(multipart::boundary(content_type).ok_or(Reject::NoBoundary)?, &body)
}

/// At the trigger: cameras that can only call a URL send along what they like, and what we do not know is passed over.
pub(super) fn trigger(content_type: &str, body: Bytes) -> Result<Message, Reject> {
    let essence = multipart::essence(content_type);
    match essence.as_str() {
        _ if body.is_empty() => Ok(Message::default()),
        "image/jpeg" => Message::from_jpeg(body),
        "multipart/form-data" => match multipart::boundary(content_type) {
            Some(boundary) => Message::from_loose_multipart(boundary, &body),
            None => Ok(Message::default()),
        },
        json if is_json(json) => Message::from_json(&body),
        _ => Ok(Message::default()),
    }
}
