//! What is at the page's port besides the page.

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;

use super::{diagnostics, health, metrics};
use crate::web::feeds::Feeds;

/// The version of the text format (Prometheus, "Exposition formats").
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const ATTACHMENT: HeaderValue = HeaderValue::from_static("attachment; filename=\"camera-herald-diagnostics.json\"");

/// For everybody who may see the page.
pub(super) fn all(feeds: Feeds) -> Router {
    let more = Router::new().route("/metrics", get(metrics)).route("/diagnostics.json", get(diagnostics));
    health(feeds.clone()).merge(more.with_state(feeds))
}

fn health(feeds: Feeds) -> Router {
    Router::new().route("/healthz", get(health::healthz)).route("/readyz", get(health::readyz)).with_state(feeds)
}

/// For the container itself, which may only ask how we are.
pub(super) fn health_only(feeds: Feeds) -> Router {
    let closed = || [(CONNECTION, HeaderValue::from_static("close"))];
    let word = "Only Home Assistant's Supervisor is shown more here.\n";
    health(feeds).fallback(move || async move { (StatusCode::FORBIDDEN, closed(), word) })
}

async fn metrics(State(feeds): State<Feeds>) -> impl IntoResponse {
    ([(CONTENT_TYPE, METRICS), (CACHE_CONTROL, NO_STORE)], metrics::text(&feeds))
}

async fn diagnostics(State(feeds): State<Feeds>) -> impl IntoResponse {
    let json = HeaderValue::from_static("application/json");
    let headers = [(CONTENT_TYPE, json), (CACHE_CONTROL, NO_STORE), (CONTENT_DISPOSITION, ATTACHMENT)];
    (headers, diagnostics::file(&feeds).await)
}
