//! A listener on loopback with a fake outbox that reads the channel. Invariant: nothing of it is left when it is stopped.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camera_herald::camera::{Camera, CameraKind, Inventory};
use camera_herald::events::door::{Accepted, Bounds, Doors, Event, EventToken, Refused, Submission, serve_on};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::camera::push_camera;

pub(crate) const TOKEN: &str = "token-of-the-test_0123456789";

/// What the outbox does with the next events.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mood {
    /// Keeps them.
    Keep,
    /// Keeps them, but takes its time.
    Slow(Duration),
    /// Says why not.
    Refuse(Refused),
    /// Drops the question.
    Silent,
    /// Never answers.
    Stuck,
}

pub(crate) struct House {
    pub(crate) addr: SocketAddr,
    client: Client,
    events: Arc<Mutex<Vec<Event>>>,
    mood: Arc<Mutex<Mood>>,
    inventory: watch::Sender<Inventory>,
    token: watch::Sender<EventToken>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// `front` is a doorbell, `back` a camera; `garage` is switched off.
pub(crate) fn cameras() -> Vec<Camera> {
    [("front", CameraKind::Doorbell, true), ("back", CameraKind::Camera, true), ("garage", CameraKind::Camera, false)]
        .into_iter()
        .map(|(id, kind, enabled)| Camera { kind, enabled, ..push_camera(id) })
        .collect()
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(Bounds::default()).await
    }

    pub(crate) async fn with(bounds: Bounds) -> Self {
        Self::build(bounds, true).await
    }

    /// Nobody reads the channel any more.
    pub(crate) async fn without_outbox() -> Self {
        Self::build(Bounds::default(), false).await
    }

    async fn build(bounds: Bounds, with_outbox: bool) -> Self {
        let (inventory, seen) = watch::channel(Inventory::new(cameras()));
        let (sender, submissions) = mpsc::channel(4);
        let (token, token_seen) = watch::channel(EventToken::new(TOKEN));
        let doors = Doors::with_bounds(seen, token_seen, sender, bounds);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let (events, mood) = (Arc::default(), Arc::new(Mutex::new(Mood::Keep)));
        let mut tasks = JoinSet::new();
        let until = stop.clone();
        tasks.spawn(async move { serve_on(listener, doors, until).await });
        let (kept, now) = (Arc::clone(&events), Arc::clone(&mood));
        if with_outbox {
            tasks.spawn(async move { outbox(submissions, kept, now).await });
        }
        Self { addr, client: client(), events, mood, inventory, token, stop, tasks }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.addr))
    }

    /// A POST with the token.
    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path).bearer_auth(TOKEN)
    }

    /// Posts JSON to the events door of `front`.
    pub(crate) async fn send(&self, event: &Value) -> Response {
        self.post("/api/v1/cameras/front/events").json(event).send().await.unwrap()
    }

    pub(crate) fn feel(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub(crate) fn set_cameras(&self, cameras: Vec<Camera>) {
        self.inventory.send_replace(Inventory::new(cameras));
    }

    /// Another token counts from now on.
    pub(crate) fn exchange_token(&self, token: &str) {
        self.token.send_replace(EventToken::new(token));
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Event {
        self.events().pop().expect("an event was kept")
    }

    /// Stops the doors; the outbox then ends because nothing holds its channel any more.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        timeout(Duration::from_secs(5), all).await.expect("doors and outbox end");
    }
}

pub(crate) fn client() -> Client {
    // reqwest without a provider of its own: the program's.
    let _once = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(Duration::from_secs(30)).build().unwrap()
}

async fn outbox(mut submissions: mpsc::Receiver<Submission>, kept: Arc<Mutex<Vec<Event>>>, mood: Arc<Mutex<Mood>>) {
    let mut known = HashSet::new();
    let mut stuck = Vec::new();
    while let Some(Submission { event, answer }) = submissions.recv().await {
        let now = mood.lock().unwrap().clone();
        if let Mood::Slow(time) = now {
            tokio::time::sleep(time).await;
        }
        let result = match now {
            Mood::Keep | Mood::Slow(_) => {
                let new = known.insert((event.camera.clone(), event.event_id.clone()));
                if new {
                    kept.lock().unwrap().push(event);
                }
                Ok(if new { Accepted::New } else { Accepted::Duplicate })
            }
            Mood::Refuse(refused) => Err(refused),
            Mood::Silent => continue,
            Mood::Stuck => {
                stuck.push(answer);
                continue;
            }
        };
        // The sender may have gone.
        let _told = answer.send(result);
    }
}

/// A refusal as problem details, checked for its form; returns its detail.
pub(crate) async fn problem(response: Response, status: StatusCode) -> String {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let retry = response.headers().get("retry-after").map(|value| value.to_str().unwrap().parse::<u32>().unwrap());
    let again = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(again, retry.is_some_and(|seconds| seconds >= 1), "{status}: Retry-After {retry:?}");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status.as_u16());
    assert!(body["type"].as_str().unwrap().starts_with("https://"), "{body}");
    assert!(!body["title"].as_str().unwrap().is_empty());
    assert!(!body.to_string().contains(TOKEN), "the token is never told");
    let detail = body["detail"].as_str().unwrap().to_owned();
    assert!(detail.len() > 20, "{detail}");
    detail
}

/// A form with these parts: head line and content.
pub(crate) fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (head, content) in parts {
        body.extend(format!("--b0undary\r\n{head}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend(b"\r\n");
    }
    body.extend(b"--b0undary--\r\n");
    body
}

pub(crate) const FORM: &str = "multipart/form-data; boundary=b0undary";

/// A real JPEG, `width` by `height` according to its header.
pub(crate) fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut bytes);
    image::ImageEncoder::write_image(encoder, &[128; 8 * 8 * 3], 8, 8, image::ExtendedColorType::Rgb8).unwrap();
    let at = bytes.windows(2).position(|two| two == [0xff, 0xc0]).unwrap() + 5;
    bytes[at..at + 2].copy_from_slice(&height.to_be_bytes());
    bytes[at + 2..at + 4].copy_from_slice(&width.to_be_bytes());
    bytes
}
