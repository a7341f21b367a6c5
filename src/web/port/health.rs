//! `/healthz` and `/readyz`: is the process alive, and does Home Assistant know everything?
//!
//! Health is not the broker's: restarting us does not mend a broker. A task that ends takes the process with it, so an answer means
//! that all of them run. Readiness is the broker's.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::broker::LinkState;
use crate::web::feeds::Feeds;

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(feeds): State<Feeds>) -> (StatusCode, Json<Value>) {
    let waiting_for = waiting_for(&feeds);
    let status = if waiting_for.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": waiting_for.is_none(), "waiting_for": waiting_for })))
}

/// What is missing until Home Assistant knows everything.
fn waiting_for(feeds: &Feeds) -> Option<String> {
    let announced = feeds.announced.borrow().as_ref().map(|announced| announced.epoch);
    match &*feeds.link.borrow() {
        LinkState::Down { cause, .. } => Some(cause.text.clone()),
        LinkState::Up(up) if announced != Some(up.epoch) => Some("the announcement to Home Assistant".to_owned()),
        LinkState::Up(_) => None,
    }
}
