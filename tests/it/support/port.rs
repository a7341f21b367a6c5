//! What a running program tells at its page's port: what a test waits for instead of words in the log.
//!
//! In app mode only its health, for the rest is answered to the Supervisor alone.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::herald::{Herald, PATIENCE};

const BROKER: &str = "chain_up{part=\"broker\"}";
/// 0 also while nothing is known.
const HOME_ASSISTANT: &str = "chain_up{part=\"home_assistant\"}";

impl Herald {
    /// Waits until it runs: its health is asked for and answered.
    pub(crate) async fn runs(&self) {
        let deadline = Instant::now() + PATIENCE;
        while get(self.page(), "/healthz").await.is_none() {
            assert!(Instant::now() < deadline, "it does not answer; the log:\n{}", self.log());
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until it takes no visitors any more: it has begun to stop.
    pub(crate) async fn shuts_its_doors(&self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(self.page()).await.is_ok() {
            assert!(Instant::now() < deadline, "its port stays open; the log:\n{}", self.log());
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// This sample's number at `/metrics`, without the prefix that all have; `None` while there is none, or no answer.
    pub(crate) async fn metric(&self, sample: &str) -> Option<f64> {
        let text = get(self.page(), "/metrics").await?;
        let line = text.lines().find_map(|line| line.strip_prefix("camera_herald_")?.strip_prefix(sample))?;
        line.trim().parse().ok()
    }

    /// Waits until this sample is as wanted, and returns its number.
    pub(crate) async fn until_metric(&self, sample: &str, wanted: impl Fn(f64) -> bool) -> f64 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let number = self.metric(sample).await;
            if let Some(number) = number.filter(|number| wanted(*number)) {
                return number;
            }
            assert!(Instant::now() < deadline, "{sample} is {number:?}; the log:\n{}", self.log());
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// How many announcements the broker has acknowledged whole.
    pub(crate) async fn announcements(&self) -> usize {
        self.metric("announcements_total").await.unwrap_or_default() as usize
    }

    /// Waits until so many announcements were acknowledged whole since the start.
    pub(crate) async fn announced(&self, times: usize) {
        self.until_metric("announcements_total", |announced| announced >= times as f64).await;
    }

    /// Waits until it has noticed that the broker is gone.
    pub(crate) async fn misses_the_broker(&self) {
        self.until_metric(BROKER, |up| up == 0.0).await;
    }

    /// Waits until it has heard that Home Assistant is there.
    pub(crate) async fn knows_home_assistant(&self) {
        self.until_metric(HOME_ASSISTANT, |up| up == 1.0).await;
    }

    /// Waits until it has heard that Home Assistant, of which it knew, has gone.
    pub(crate) async fn misses_home_assistant(&self) {
        self.until_metric(HOME_ASSISTANT, |up| up == 0.0).await;
    }
}

/// The body of a good answer.
async fn get(page: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(page).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}
