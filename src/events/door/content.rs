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
