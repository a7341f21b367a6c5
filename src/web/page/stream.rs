//! `/live` over HTTP.
//!
//! A browser posts what it has and reads the answer as it comes. Home Assistant before 2026.2 compresses `text/event-stream` without
//! flushing (home-assistant/core, pull request 160704), so the script asks for bytes of no kind; `EventSource` gets its own type.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::live::Have;
use super::{Page, Visit, assets};

/// `GET /live`: for a client that has nothing yet.
pub(super) async fn everything(State(page): State<Page>, visit: Visit, headers: HeaderMap) -> Response {
    follow(&page, &visit, &headers, Have::nothing())
}

/// `POST /live`: for a page, which says what it has. It changes nothing, so it needs no form of ours.
pub(super) async fn what_differs(State(page): State<Page>, visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(have) => follow(&page, &visit, &headers, have),
        Err(_unknown) => {
            (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, "text/plain")], "send what you have\n").into_response()
        }
    }
}

fn follow(page: &Page, visit: &Visit, headers: &HeaderMap, have: Have) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let events = accept.contains("text/event-stream");
    let content_type = if events { "text/event-stream" } else { "application/octet-stream" };
    let stop = page.feeds.stop.clone();
    let Some(stream) = page.viewers.follow(visit.language, have, assets::build(), &page.instance, stop) else {
        // The page's own script says it in words.
        let headers = [(CONTENT_TYPE, "text/plain"), (CACHE_CONTROL, "no-store"), (RETRY_AFTER, "30")];
        return (StatusCode::SERVICE_UNAVAILABLE, headers, "too many pages are open\n").into_response();
    };
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-store"),
        // For proxies between us and the browser, such as nginx before Home Assistant.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(stream)).into_response()
}
