//! Answers that say no: problem details (RFC 9457), each with what to do about it.

use std::time::Duration;

use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::login::Refusal;
use super::{Refused, Reject};

/// The manual explains the answers; what follows tells them apart.
const TYPES: &str = "https://github.com/camera-herald/camera-herald/blob/main/DOCS.md#";

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    /// The end of the type's URI.
    pub(super) kind: &'static str,
    /// Always the same for one type.
    title: &'static str,
    pub(super) detail: String,
    extra: Extra,
}

/// A header that belongs to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extra {
    None,
    RetryAfter(u64),
    Allow(&'static str),
    Authenticate,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, title, detail: detail.into(), extra: Extra::None }
    }

    fn again_in(self, seconds: u64) -> Self {
        Self { extra: Extra::RetryAfter(seconds), ..self }
    }

    pub(super) fn unknown_address() -> Self {
        let detail =
            "there is nothing at this address; use /api/v1/cameras/<id>/events or /api/v1/cameras/<id>/trigger";
        Self::new(StatusCode::NOT_FOUND, "unknown-address", "Unknown address", detail)
    }

    pub(super) fn unknown_camera() -> Self {
        let detail =
            "no enabled camera has this id; compare the address with the id of the camera in the app's options";
        Self::new(StatusCode::NOT_FOUND, "unknown-camera", "Unknown camera", detail)
    }

    pub(super) fn method(allowed: &'static str) -> Self {
        let detail = format!("this address takes {allowed}");
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "Wrong method", detail);
        Self { extra: Extra::Allow(allowed), ..problem }
    }

    pub(super) fn content_type() -> Self {
        let detail =
            "send application/json, or multipart/form-data with a JSON part and a JPEG part; say so in Content-Type";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong-content-type", "Wrong content type", detail)
    }

    /// Longer than any sender needs, and slow bodies must not fill the house.
    pub(super) fn slow() -> Self {
        let detail = "the body did not come in time; send it again";
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "Too slow", detail)
    }

    pub(super) fn cut_off() -> Self {
        let detail = "the body ended before its announced length; send it again";
        Self::new(StatusCode::BAD_REQUEST, "cut-off", "Cut off", detail)
    }

    pub(super) fn too_many(wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1_000).max(1);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        let detail = "this camera sends more than 50 events a second; send it again later, and fewer of them";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-events", "Too many events", detail).again_in(seconds)
    }

    pub(super) fn busy() -> Self {
        let detail = "too many requests at once; send it again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy", detail).again_in(1)
    }

    /// Nobody takes the event, or nobody said in time that it is on disk.
    pub(super) fn no_answer() -> Self {
        let detail = "Camera Herald could not say that the event is kept; send it again with the same event_id";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not-kept", "Not kept", detail).again_in(5)
    }

    pub(super) fn internal() -> Self {
        let detail = "the message could not be looked at, and the fault is not the sender's; the app's log says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", "Fault of Camera Herald", detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = match refusal {
            Refusal::Missing => {
                "the event token is missing; send it as Authorization: Bearer, as Basic password, as X-Token, or as ?token= (for a trigger \
                 also as the field token of a form or a JSON of at most 16 KiB)"
            }
            Refusal::Wrong => {
                "the event token is wrong; `camera-herald check` prints the right one (an Authorization header \
                 counts more than ?token=)"
            }
        };
        let problem = Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Not let in", detail);
        Self { extra: Extra::Authenticate, ..problem }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let detail = refused.to_string();
        match refused {
            Refused::Full => Self::new(status, "full", "Too much waits for the broker", detail).again_in(30),
            Refused::Storage(_) => Self::new(status, "storage", "The disk does not take it", detail).again_in(10),
        }
    }
}

impl From<Reject> for Problem {
    fn from(reject: Reject) -> Self {
        let (status, kind, title) = match reject {
            Reject::JsonTooLarge | Reject::BodyTooLarge | Reject::PictureTooLarge | Reject::TooManyPixels => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large")
            }
            Reject::NotAJpeg => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-a-jpeg", "Not a JPEG"),
            _ => (StatusCode::BAD_REQUEST, "bad-event", "Not an event"),
        };
        Self::new(status, kind, title, reject.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": format!("{TYPES}{}", self.kind),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.extra {
            Extra::None => {}
            Extra::RetryAfter(seconds) => {
                headers.insert(RETRY_AFTER, seconds.into());
            }
            Extra::Allow(methods) => {
                headers.insert(ALLOW, HeaderValue::from_static(methods));
            }
            Extra::Authenticate => {
                // RFC 9110, section 11.6.1: one challenge for each scheme.
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"camera-herald\""));
                let basic = "Basic realm=\"camera-herald\", charset=\"UTF-8\"";
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(basic));
            }
        }
        response
    }
}
