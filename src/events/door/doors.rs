//! What is asked at a door, in which order.
//!
//! Token, camera, rate, room for one more request, and only then the body. So a stranger takes no place from those who may come in,
//! what it can cost us is bounded, and it learns no camera's id.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::BodyDataStream;
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use super::decode::{self, Envelope};
use super::limits::{Complaints, Limits};
use super::login::{self, Refusal};
use super::problem::Problem;
use super::trigger::{self, Told};
use super::{Accepted, Event, EventToken, Submission, Tally, body, content};
use crate::camera::{Camera, CameraId, Inventory};

/// A body below this is looked at where it was read; a larger one would keep others waiting.
const SMALL: usize = 64 * 1_024;

/// Requests whose token may be in their short body, at once, and how long each is waited for.
const STRANGERS: usize = 16;
const STRANGER: Duration = Duration::from_secs(2);

/// What the doors hold on to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Doors {
    inventory: watch::Receiver<Inventory>,
    token: watch::Receiver<EventToken>,
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
    /// For throwing the body of a refused request away: what is on its way comes by then.
    pub drain: Duration,
    /// Bodies of refused requests that are thrown away at once; more are not waited for.
    pub drains: usize,
    /// For the word that an event is on disk.
    pub disk: Duration,
}

/// What all requests share.
#[derive(Debug)]
struct House {
    requests: Semaphore,
    memory: Arc<Semaphore>,
    /// Short bodies that are read because the token may be in them.
    strangers: Semaphore,
    /// Bodies that are thrown away. Apart from the requests: who is refused holds no place.
    drains: Semaphore,
    /// Large bodies that are looked at: each takes its size again for its texts.
    readers: Semaphore,
    limits: Mutex<Limits>,
    complaints: Mutex<Complaints>,
    tally: Arc<Tally>,
}

/// What a body tells.
enum Decoded {
    Event(Event),
    Nothing(&'static str),
}

/// What came of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The event of this id is on disk.
    Kept(String, Accepted),
    /// A camera told that nothing happened.
    Nothing(&'static str),
}

/// The two doors of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Events,
    Trigger,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            requests: 256,
            memory: 64 * 1_024 * 1_024,
            body: Duration::from_secs(30),
            drain: Duration::from_millis(500),
            drains: 32,
            disk: Duration::from_secs(10),
        }
    }
}

impl Doors {
    /// Doors of these cameras, opened by the token that counts, to whoever reads the channel.
    #[must_use]
    pub fn new(
        inventory: watch::Receiver<Inventory>,
        token: watch::Receiver<EventToken>,
        outbox: mpsc::Sender<Submission>,
    ) -> Self {
        Self::with_bounds(inventory, token, outbox, Bounds::default())
    }

    /// [`new`](Self::new) with other bounds.
    #[must_use]
    pub fn with_bounds(
        inventory: watch::Receiver<Inventory>,
        token: watch::Receiver<EventToken>,
        outbox: mpsc::Sender<Submission>,
        bounds: Bounds,
    ) -> Self {
        let house = House {
            requests: Semaphore::new(bounds.requests),
            memory: Arc::new(Semaphore::new(bounds.memory / body::UNIT)),
            strangers: Semaphore::new(STRANGERS),
            drains: Semaphore::new(bounds.drains),
            readers: Semaphore::new(2),
            limits: Mutex::default(),
            complaints: Mutex::default(),
            tally: Arc::default(),
        };
        Self { inventory, token, outbox, bounds, house: Arc::new(house) }
    }

    /// What came to the doors.
    #[must_use]
    pub fn tally(&self) -> Arc<Tally> {
        self.house.tally.clone()
    }

    /// Takes one message from the request to the disk. The place is free again when it returns.
    pub(super) async fn receive(
        &self,
        door: Door,
        id: Option<&str>,
        request: &Parts,
        body: &mut BodyDataStream,
    ) -> Result<Outcome, Problem> {
        let early = self.let_in(door, request, body).await?;
        let camera = self.admit(id)?;
        let _place = self.house.requests.try_acquire().map_err(|_full| Problem::busy())?;
        if door == Door::Events && !content::is_taken(content::of(&request.headers)) {
            return Err(Problem::content_type());
        }
        let held = match early {
            Some(held) => held,
            None => body::read(&request.headers, body, &self.house.memory, self.bounds.body).await?,
        };
        let asked = camera.id.clone();
        let event = match self.decode(door, request, camera, held.bytes.clone()).await? {
            Decoded::Event(event) => event,
            Decoded::Nothing(why) => {
                tracing::debug!(camera = %asked, why, "A message that is no event came");
                return Ok(Outcome::Nothing(why));
            }
        };
        let (camera, event_id, kind) = (event.camera.clone(), event.event_id.clone(), event.kind.as_str());
        let accepted = self.submit(event).await?;
        tracing::debug!(%camera, event_id, kind, ?accepted, "An event came");
        Ok(Outcome::Kept(event_id, accepted))
    }

    /// What has to be done before a refusal is answered.
    pub(super) async fn turn_away(
        &self,
        id: Option<&str>,
        request: &Parts,
        body: &mut BodyDataStream,
        problem: &Problem,
    ) {
        self.complain(id, problem);
        // Who was too slow is not waited for again.
        if problem.status == StatusCode::REQUEST_TIMEOUT {
            return;
        }
        // With too many refused at a time some see a cut connection in place of their answer.
        if let Ok(_share) = self.house.drains.try_acquire() {
            body::drain(&request.headers, body, self.bounds.drain).await;
        }
    }

    /// May it come in? Nothing of the body is needed to say so, but where a camera cannot say its token elsewhere: then the body, if that
    /// was read for it. Bounded for itself, so that strangers take no place from those who may come in.
    async fn let_in(
        &self,
        door: Door,
        request: &Parts,
        body: &mut BodyDataStream,
    ) -> Result<Option<body::Held>, Problem> {
        let checked = login::check(&self.token.borrow(), request);
        match checked {
            Err(Refusal::Missing) if door == Door::Trigger && body::is_short(&request.headers) => {}
            checked => return Ok(checked.map(|()| None)?),
        }
        let _place = self.house.strangers.try_acquire().map_err(|_full| Problem::busy())?;
        let held = body::read(&request.headers, body, &self.house.memory, STRANGER).await?;
        login::check_body(&self.token.borrow(), content::of(&request.headers), &held.bytes)?;
        Ok(Some(held))
    }

    /// Whose is it, and is it not one too many?
    fn admit(&self, id: Option<&str>) -> Result<Camera, Problem> {
        let id = id.and_then(|id| CameraId::new(id).ok()).ok_or_else(Problem::unknown_camera)?;
        let camera = self.inventory.borrow().get(&id).cloned().ok_or_else(Problem::unknown_camera)?;
        let mut limits = self.house.limits.lock().unwrap_or_else(PoisonError::into_inner);
        limits.admit(&camera.id, Instant::now()).map_err(Problem::too_many)?;
        Ok(camera)
    }

    async fn decode(&self, door: Door, request: &Parts, camera: Camera, bytes: Bytes) -> Result<Decoded, Problem> {
        let content_type = content::of(&request.headers).to_owned();
        let query = request.uri.query().unwrap_or_default().to_owned();
        let received = Timestamp::now();
        let envelope = Envelope { camera: camera.id, kind: camera.kind, received, spare_id: rand::random() };
        let large = bytes.len() > SMALL;
        let decode = move || {
            let message = match door {
                Door::Events => content::event(&content_type, bytes)?,
                Door::Trigger => match trigger::told(&content_type, &bytes, &query, received) {
                    Told::Event(message) => message,
                    Told::Nothing(why) => return Ok(Decoded::Nothing(why)),
                },
            };
            decode::event(envelope, message).map(Decoded::Event).map_err(Problem::from)
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
        let id = id.and_then(|id| CameraId::new(id).ok());
        let camera = id.as_ref().map(ToString::to_string).unwrap_or_default();
        // Who did not get in does not choose how many lines there are.
        let told_apart =
            id.filter(|id| problem.status != StatusCode::UNAUTHORIZED && self.inventory.borrow().get(id).is_some());
        let (status, detail) = (problem.status.as_u16(), &problem.detail);
        let mut complaints = self.house.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        if complaints.due(problem.kind, told_apart, Instant::now()) {
            tracing::warn!(camera, status, detail, "An event was refused (at most one line of this kind in 10 s)");
        } else {
            tracing::debug!(camera, status, detail, "An event was refused");
        }
    }
}
