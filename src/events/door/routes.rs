//! The addresses, and what is answered at them.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Accepted;
use super::doors::{Door, Doors};
use super::problem::Problem;
use crate::http::{self, Terms};

/// More connections than requests at once, so that one too many can be told, and for strangers a share that leaves room for sixteen
/// such addresses. No body is kept in the head's buffer. Simple senders
/// close their side, or all of it, right after the request; that is no reason to lose the event.
const TERMS: Terms = Terms {
    name: "events",
    connections: 512,
    share: 32,
    head: 64 * 1_024,
    head_within: Duration::from_secs(20),
    stalled: Duration::from_secs(30),
    half_close: true,
    last_answers: Duration::from_secs(1),
};

/// Opens the doors and answers until told to stop. A port that is taken is logged, and tried again.
pub async fn serve(listen: SocketAddr, doors: Doors, stop: CancellationToken) {
    let Some(listener) = stop.run_until_cancelled(http::bind(listen, TERMS.name)).await else { return };
    serve_on(listener, doors, stop).await;
}

/// [`serve`] on a port that is open.
pub async fn serve_on(listener: TcpListener, doors: Doors, stop: CancellationToken) {
    let app = router(doors);
    http::run(listener, TERMS, |_peer| Some(app.clone()), stop).await;
}

/// The addresses and their doors.
pub fn router(doors: Doors) -> Router {
    // HEAD would be taken for GET, and it must not change anything (RFC 9110, section 9.2.1).
    let trigger_only = || async { Problem::method("GET, POST") };
    Router::new()
        .route("/api/v1/cameras/{id}/events", post(events).fallback(|| async { Problem::method("POST") }))
        .route("/api/v1/cameras/{id}/trigger", get(trigger).post(trigger).head(trigger_only).fallback(trigger_only))
        .fallback(|| async { Problem::unknown_address() })
        .with_state(doors)
}

async fn events(state: State<Doors>, id: Result<Path<String>, PathRejection>, request: Request) -> Response {
    answer(state, Door::Events, id, request).await
}

async fn trigger(state: State<Doors>, id: Result<Path<String>, PathRejection>, request: Request) -> Response {
    answer(state, Door::Trigger, id, request).await
}

async fn answer(
    State(doors): State<Doors>,
    door: Door,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let id = id.as_ref().ok().map(|Path(id)| id.as_str());
    let (request, body) = request.into_parts();
    let mut body = body.into_data_stream();
    let tally = doors.tally();
    match doors.receive(door, id, &request, &mut body).await {
        Ok((event_id, accepted)) => {
            tally.accept(accepted);
            let duplicate = accepted == Accepted::Duplicate;
            let status = if duplicate { StatusCode::OK } else { StatusCode::ACCEPTED };
            let body = json!({ "event_id": event_id, "duplicate": duplicate });
            (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
        }
        Err(problem) => {
            tally.refuse(problem.status);
            doors.turn_away(id, &request, &mut body, &problem).await;
            problem.into_response()
        }
    }
}
