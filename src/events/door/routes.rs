//! The addresses, and what is answered at them.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Accepted;
use super::doors::{Door, Doors, Outcome};
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
    typed: true,
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
    Router::new().fallback(answer).with_state(doors)
}

/// The door and the camera that an address names. Cameras put it together from boxes, so slashes come twice and at the end.
fn named(path: &str) -> Option<(Door, &str)> {
    let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != SPACE);
    let ("api", "v1", "cameras", id, door) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?)
    else {
        return None;
    };
    let door = match door.trim_end_matches(SPACE) {
        "events" => Door::Events,
        "trigger" => Door::Trigger,
        _ => return None,
    };
    parts.next().is_none().then(|| (door, id.trim_end_matches(SPACE)))
}

/// As it is written in an address.
const SPACE: &str = "%20";

async fn answer(State(doors): State<Doors>, request: Request) -> Response {
    let (request, body) = request.into_parts();
    let mut body = body.into_data_stream();
    let tally = doors.tally();
    let named = named(request.uri.path());
    let id = named.map(|(_, id)| id);
    let outcome = match named {
        None => Err(Problem::unknown_address()),
        Some((door, _)) if !door.takes(&request.method) => Err(Problem::method(door.methods())),
        Some((door, id)) => doors.receive(door, Some(id), &request, &mut body).await,
    };
    match outcome {
        Ok(Outcome::Kept(event_id, accepted)) => {
            tally.accept(accepted);
            let duplicate = accepted == Accepted::Duplicate;
            let status = if duplicate { StatusCode::OK } else { StatusCode::ACCEPTED };
            let body = json!({ "event_id": event_id, "duplicate": duplicate });
            (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
        }
        Ok(Outcome::Nothing(why)) => {
            let body = json!({ "event_id": null, "passed_over": why });
            (StatusCode::OK, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
        }
        Err(problem) => {
            tally.refuse(problem.status);
            doors.turn_away(id, &request, &mut body, &problem).await;
            problem.into_response()
        }
    }
}

impl Door {
    fn takes(self, method: &Method) -> bool {
        // HEAD would be taken for GET, and it must not change anything (RFC 9110, section 9.2.1).
        method == Method::POST || (self == Self::Trigger && method == Method::GET)
    }

    fn methods(self) -> &'static str {
        match self {
            Self::Events => "POST",
            Self::Trigger => "GET, POST",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_however_its_slashes_were_typed() {
        for path in [
            "/api/v1/cameras/front/trigger",
            "//api/v1/cameras/front/trigger",
            "/api/v1//cameras/front/trigger/",
            "/api/v1/cameras/front%20/trigger%20",
            "/api/v1/cameras/front/trigger/%20",
        ] {
            assert_eq!(named(path), Some((Door::Trigger, "front")), "{path}");
        }
        assert_eq!(named("/api/v1/cameras/front/events/"), Some((Door::Events, "front")));
        for path in [
            "/",
            "/api/v1/cameras/front",
            "/api/v1/cameras/front/trigger/x",
            "/api/v2/cameras/front/trigger",
            "/front/trigger",
        ] {
            assert_eq!(named(path), None, "{path}");
        }
    }
}
