//! The doors: what is asked at them, in which order, and what is answered.
//!
//! Order: room for one more request, token, camera, rate, and only then the body. So what a stranger can cost us is
//! bounded, and a stranger learns no camera's id.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::decode::{self, Envelope};
use super::limits::{Complaints, Limits};
use super::message::{Message, is_json};
use super::problem::Problem;
use super::{Accepted, Event, EventToken, Reject, Submission, body, login, multipart, server};
use crate::camera::{Camera, CameraId, Inventory};

/// A body below this is looked at where it was read; a larger one would keep others waiting.
const SMALL: usize = 64 * 1_024;

/// What the doors hold on to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Doors {
    inventory: watch::Receiver<Inventory>,
    token: EventToken,
    outbox: mpsc::Sender<Submission>,
    bounds: Bounds,
    house: Arc<House>,
}

/// Bounds of time and number; the defaults are those of the manual.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Requests at once.
    pub requests: usize,
    /// Bytes of bodies in memory, of all requests together.
    pub memory: usize,
    /// For reading a body.
    pub body: Duration,
    /// For throwing the body of a refused request away.
    pub drain: Duration,
    /// For the word that an event is on disk.
    pub disk: Duration,
}

/// What all requests share.
#[derive(Debug)]
struct House {
    requests: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    /// Large bodies that are looked at: each takes its size again for its texts.
    readers: Semaphore,
    limits: Mutex<Limits>,
    complaints: Mutex<Complaints>,
}

/// The two doors of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Events,
    Trigger,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            requests: 256,
            memory: 64 * 1_024 * 1_024,
            body: Duration::from_secs(30),
            drain: Duration::from_secs(5),
            disk: Duration::from_secs(10),
        }
    }
}

impl Doors {
    /// Doors of these cameras, opened by this token, to whoever reads the channel.
    #[must_use]
    pub fn new(inventory: watch::Receiver<Inventory>, token: EventToken, outbox: mpsc::Sender<Submission>) -> Self {
        Self::with_bounds(inventory, token, outbox, Bounds::default())
    }

    /// [`new`](Self::new) with other bounds.
    #[must_use]
    pub fn with_bounds(
        inventory: watch::Receiver<Inventory>,
        token: EventToken,
        outbox: mpsc::Sender<Submission>,
        bounds: Bounds,
    ) -> Self {
        let house = House {
            requests: Arc::new(Semaphore::new(bounds.requests)),
            memory: Arc::new(Semaphore::new(bounds.memory / body::UNIT)),
            readers: Semaphore::new(2),
            limits: Mutex::default(),
            complaints: Mutex::default(),
        };
        Self { inventory, token, outbox, bounds, house: Arc::new(house) }
    }

    /// Who is it, and may it come in? Nothing of the body is needed to say so.
    fn admit(&self, request: &Parts, id: Option<&str>) -> Result<Camera, Problem> {
        login::check(&self.token, request)?;
        let id = id.and_then(|id| CameraId::new(id).ok()).ok_or_else(Problem::unknown_camera)?;
        let camera = self.inventory.borrow().get(&id).cloned().ok_or_else(Problem::unknown_camera)?;
        let mut limits = self.house.limits.lock().unwrap_or_else(PoisonError::into_inner);
        limits.admit(&camera.id, Instant::now()).map_err(Problem::too_many)?;
        Ok(camera)
    }

    async fn decode(&self, door: Door, request: &Parts, camera: Camera, bytes: Bytes) -> Result<Event, Problem> {
        let content_type = content_type(&request.headers).to_owned();
        let query = request.uri.query().unwrap_or_default().to_owned();
        let received = Timestamp::now();
        let envelope = Envelope { camera: camera.id, kind: camera.kind, received, spare_id: rand::random() };
        let large = bytes.len() > SMALL;
        let decode = move || {
            let message = match door {
                Door::Events => read_event(&content_type, bytes)?,
                Door::Trigger => read_trigger(&content_type, bytes)?.overlaid_by(Message::from_query(&query)),
            };
            decode::event(envelope, message).map_err(Problem::from)
        };
        if !large {
            return decode();
        }
        let _turn = self.house.readers.acquire().await.map_err(|_never_closed| Problem::internal())?;
        tokio::task::spawn_blocking(decode).await.unwrap_or_else(|error| {
            tracing::error!(%error, "A message could not be looked at");
            Err(Problem::internal())
        })
    }

    /// Answers only when the event is on disk.
    async fn submit(&self, event: Event) -> Result<Accepted, Problem> {
        let (answer, answered) = oneshot::channel();
        let kept = async {
            let submission = Submission { event, answer };
            self.outbox.send(submission).await.map_err(|_gone| Problem::no_answer())?;
            answered.await.map_err(|_dropped| Problem::no_answer())
        };
        let kept = timeout(self.bounds.disk, kept).await.unwrap_or_else(|_elapsed| Err(Problem::no_answer()))?;
        Ok(kept?)
    }

    /// Cameras show nobody our answers, so the log has to say them; but not each.
    fn complain(&self, id: Option<&str>, problem: &Problem) {
        let camera = id.and_then(|id| CameraId::new(id).ok()).map(|id| id.to_string()).unwrap_or_default();
        let (status, detail) = (problem.status.as_u16(), &problem.detail);
        let mut complaints = self.house.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        if complaints.due(Instant::now()) {
            tracing::warn!(camera, status, detail, "An event was refused (at most one such line in 10 s)");
        } else {
            tracing::debug!(camera, status, detail, "An event was refused");
        }
    }
}

/// Opens the doors and answers until told to stop. A port that is taken is logged, and tried again.
pub async fn serve(listen: SocketAddr, doors: Doors, stop: CancellationToken) {
    let Some(listener) = stop.run_until_cancelled(server::bind(listen)).await else { return };
    serve_on(listener, doors, stop).await;
}

/// [`serve`] on a port that is open.
pub async fn serve_on(listener: TcpListener, doors: Doors, stop: CancellationToken) {
    server::run(listener, router(doors), stop).await;
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
    let Ok(_place) = doors.house.requests.clone().try_acquire_owned() else { return Problem::busy().into_response() };
    match receive(&doors, door, id, &request, &mut body).await {
        Ok((event_id, accepted)) => {
            let duplicate = accepted == Accepted::Duplicate;
            let status = if duplicate { StatusCode::OK } else { StatusCode::ACCEPTED };
            let body = json!({ "event_id": event_id, "duplicate": duplicate });
            (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
        }
        Err(problem) => {
            doors.complain(id, &problem);
            if problem.status != StatusCode::REQUEST_TIMEOUT {
                body::drain(&request.headers, &mut body, doors.bounds.drain).await;
            }
            problem.into_response()
        }
    }
}

async fn receive(
    doors: &Doors,
    door: Door,
    id: Option<&str>,
    request: &Parts,
    body: &mut axum::body::BodyDataStream,
) -> Result<(String, Accepted), Problem> {
    let camera = doors.admit(request, id)?;
    if door == Door::Events && !is_taken(content_type(&request.headers)) {
        return Err(Problem::content_type());
    }
    let held = body::read(&request.headers, body, &doors.house.memory, doors.bounds.body).await?;
    let event = doors.decode(door, request, camera, held.bytes.clone()).await?;
    let (camera, event_id, kind) = (event.camera.clone(), event.event_id.clone(), event.kind.as_str());
    let accepted = doors.submit(event).await?;
    tracing::debug!(%camera, event_id, kind, ?accepted, "An event came");
    Ok((event_id, accepted))
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn is_taken(content_type: &str) -> bool {
    let essence = multipart::essence(content_type);
    is_json(&essence) || essence == "multipart/form-data"
}

fn read_event(content_type: &str, body: Bytes) -> Result<Message, Reject> {
    if is_json(&multipart::essence(content_type)) {
        return Message::from_json(&body);
    }
    Message::from_multipart(multipart::boundary(content_type).ok_or(Reject::NoBoundary)?, &body)
}

/// Cameras that can only call a URL send along what they like: what we do not know is passed over.
fn read_trigger(content_type: &str, body: Bytes) -> Result<Message, Reject> {
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
