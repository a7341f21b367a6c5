//! A program with an open door, and somebody who knocks.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::support::herald::{Herald, PATIENCE, Setup};

/// Posts events to one program, which may be restarted meanwhile.
#[derive(Clone)]
pub(crate) struct Sender {
    client: reqwest::Client,
    door: SocketAddr,
    token: String,
}

/// A setup whose events port is known.
pub(crate) fn with_door(mut setup: Setup) -> (Setup, SocketAddr) {
    let door = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    setup.environment.push(("HERALD_EVENTS_LISTEN".to_owned(), door.to_string()));
    (setup, door)
}

pub(crate) async fn start(setup: Setup) -> (Herald, Sender) {
    let (setup, door) = with_door(setup);
    let herald = Herald::start(setup).await;
    let sender = Sender::new(herald.dir().path(), door).await;
    (herald, sender)
}

pub(crate) async fn restart(dir: Arc<TempDir>, setup: Setup) -> Herald {
    Herald::start_in(dir, setup).await
}

impl Sender {
    pub(crate) async fn new(data_dir: &Path, door: SocketAddr) -> Self {
        camera_herald::tls::install_provider();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(Duration::from_secs(20)).build();
        let deadline = Instant::now() + PATIENCE;
        let token = loop {
            match std::fs::read_to_string(data_dir.join("event_token")) {
                Ok(token) => break token.trim().to_owned(),
                Err(error) => assert!(Instant::now() < deadline, "no token: {error}"),
            }
            sleep(Duration::from_millis(10)).await;
        };
        Self { client: client.unwrap(), door, token }
    }

    /// One try: the status, or `None` when there was no answer.
    pub(crate) async fn post(&self, camera: &str, event: &Value) -> Option<u16> {
        let url = format!("http://{}/api/v1/cameras/{camera}/events", self.door);
        let request = self.client.post(url).bearer_auth(&self.token).json(event);
        request.send().await.ok().map(|answer| answer.status().as_u16())
    }

    /// One try: the status and the body, or `None` when there was no answer.
    pub(crate) async fn answer(&self, camera: &str, event: &Value) -> Option<(u16, Value)> {
        let url = format!("http://{}/api/v1/cameras/{camera}/events", self.door);
        let answer = self.client.post(url).bearer_auth(&self.token).json(event).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.unwrap_or_default()))
    }

    /// Tries until there is an answer.
    pub(crate) async fn insist(&self, camera: &str, event: &Value) -> u16 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.post(camera, event).await {
                Some(status) => return status,
                None => assert!(Instant::now() < deadline, "the door stays shut"),
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(crate) fn event(id: &str) -> Value {
    json!({ "event_id": id, "timestamp": jiff::Timestamp::now(), "smart_detection_type": "person", "description": "Somebody at the door" })
}
