//! Events through the whole program: how many a second are accepted on disk, and how soon a subscriber sees them.
//!
//! `cargo bench --bench events`. Beside it, in the same run and under the same load, a plain handler that publishes without an
//! outbox: the difference is the price of the promise. Load, program and broker share the machine.

#[path = "../tests/it/support/mod.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests use the rest, and fail by panicking")]
mod support;

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use camera_herald::broker::{Handle, Message, Timing};
use rumqttc::QoS;
use serde_json::{Value, json};
use support::herald::{Herald, Setup, push_cameras};
use support::link::{self, Link, settings};
use support::mosquitto::{Config, Mosquitto};
use support::watcher::Watcher;
use tokio::task::JoinSet;

const CAMERAS: usize = 400;
const SENDERS: usize = 64;
const LOAD: Duration = Duration::from_secs(8);
const STEADY: usize = 3_000;
const STEADY_GAP: Duration = Duration::from_millis(5);

#[derive(Clone)]
struct Door {
    client: reqwest::Client,
    address: SocketAddr,
    token: String,
}

impl Door {
    fn new(address: SocketAddr, token: String) -> Self {
        camera_herald::tls::install_provider();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).tcp_nodelay(true).build();
        Self { client: client.expect("a client"), address, token }
    }

    async fn post(&self, camera: usize, id: &str) -> u16 {
        let url = format!("http://{}/api/v1/cameras/cam_{camera}/events", self.address);
        let answer = self.client.post(url).bearer_auth(&self.token).json(&event(id)).send().await;
        answer.expect("the door is open").status().as_u16()
    }
}

fn event(id: &str) -> Value {
    json!({ "event_id": id, "timestamp": jiff::Timestamp::now(), "smart_detection_type": "person",
        "description": "Somebody walks up to the door and looks into the camera", "confidence": 93, "provider_used": "bench" })
}

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let broker = Mosquitto::start(Config { max_queued: Some(0), ..Config::default() }).await;
        let plain = plain(&broker).await;
        let (herald, door) = program(&broker).await;
        latency(&broker, &door).await;
        let durable = throughput(&door).await;
        drained(&broker).await;
        flood(&herald, &door).await;
        drop(herald);
        say(&format!("accepted on disk: {durable:.0} events/s, {SENDERS} senders"));
        say(&format!(
            "a plain handler that publishes without an outbox: {plain:.0} events/s; the promise leaves {:.0} %",
            100.0 * durable / plain
        ));
    });
}

async fn program(broker: &Mosquitto) -> (Herald, Door) {
    let address = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("a port");
    let mut setup = Setup::with_broker(broker.addr(), push_cameras(CAMERAS));
    setup.options["log_level"] = json!("info");
    setup.environment.push(("HERALD_EVENTS_LISTEN".to_owned(), address.to_string()));
    let herald = Herald::start(setup).await;
    herald.says("Announced to Home Assistant", 1).await;
    let token = std::fs::read_to_string(herald.dir().path().join("event_token")).expect("the token is there");
    (herald, Door::new(address, token.trim().to_owned()))
}

/// Each sender has one request at a time and goes round the cameras, so that no camera's limit is in the way.
async fn throughput(door: &Door) -> f64 {
    let accepted = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let (door, accepted) = (door.clone(), accepted.clone());
        senders.spawn(async move {
            for number in 0.. {
                if began.elapsed() > LOAD {
                    break;
                }
                let camera = (sender + number * SENDERS) % CAMERAS;
                if door.post(camera, &format!("load-{sender}-{number}")).await == 202 {
                    accepted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    while senders.join_next().await.is_some() {}
    accepted.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

/// Waits until the broker has what was accepted: a full outbox would answer with 503.
async fn drained(broker: &Mosquitto) {
    let deadline = Instant::now() + Duration::from_secs(180);
    loop {
        let retained = broker.retained("camera_herald/bridge/state").await;
        let state: Value = serde_json::from_slice(&retained["camera_herald/bridge/state"]).expect("JSON");
        if state["outbox_depth"] == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "the outbox is never empty");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Ten times what one camera may send and more, for ten seconds.
async fn flood(herald: &Herald, door: &Door) {
    let before = resident_mib(herald);
    let (accepted, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS / 4 {
        let (door, accepted, refused) = (door.clone(), accepted.clone(), refused.clone());
        senders.spawn(async move {
            for number in 0.. {
                if began.elapsed() > Duration::from_secs(10) {
                    break;
                }
                match door.post(0, &format!("flood-{sender}-{number}")).await {
                    202 => accepted.fetch_add(1, Ordering::Relaxed),
                    429 => refused.fetch_add(1, Ordering::Relaxed),
                    other => panic!("answered with {other}"),
                };
            }
        });
    }
    let mut slowest = Duration::ZERO;
    for number in 0..40 {
        let asked = Instant::now();
        assert_eq!(door.post(1, &format!("beside-{number}")).await, 202, "another camera is unharmed");
        slowest = slowest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    while senders.join_next().await.is_some() {}
    say(&format!(
        "flood of one camera for 10 s: {} accepted, {} refused with 429; another camera's slowest answer {} ms; \
         resident memory {before:.1} MiB before, {:.1} MiB after",
        accepted.load(Ordering::Relaxed),
        refused.load(Ordering::Relaxed),
        slowest.as_millis(),
        resident_mib(herald),
    ));
}

fn resident_mib(herald: &Herald) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", herald.pid())).expect("a process has a status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the status holds its memory");
    let kib: f64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    kib / 1_024.0
}

/// 200 events a second; from the 202 to the subscriber.
async fn latency(broker: &Mosquitto, door: &Door) {
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/+/detection"], QoS::AtLeastOnce).await;
    let (seen_at, answered_at) =
        (Arc::new(std::sync::Mutex::new(HashMap::new())), Arc::new(std::sync::Mutex::new(HashMap::new())));
    let mut tasks = JoinSet::new();
    let sink = seen_at.clone();
    let watching = async move {
        let mut known = 0;
        while known < STEADY {
            let seen = watcher.wait_until(|seen| seen.len() > known).await;
            let now = Instant::now();
            for message in &seen[known..] {
                let event: Value = serde_json::from_slice(&message.payload).expect("JSON");
                let id = event["event_id"].as_str().expect("an id").to_owned();
                sink.lock().expect("nobody panicked").insert(id, now);
            }
            known = seen.len();
        }
    };
    let posting = async {
        let mut tick = tokio::time::interval(STEADY_GAP);
        for number in 0..STEADY {
            tick.tick().await;
            let (door, answered) = (door.clone(), answered_at.clone());
            tasks.spawn(async move {
                let id = format!("steady-{number}");
                assert_eq!(door.post(number % CAMERAS, &id).await, 202);
                answered.lock().expect("nobody panicked").insert(id, Instant::now());
            });
        }
        while tasks.join_next().await.is_some() {}
    };
    tokio::join!(watching, posting);
    let (seen, answered) = (seen_at.lock().expect("nobody panicked"), answered_at.lock().expect("nobody panicked"));
    let mut times: Vec<Duration> = answered.iter().map(|(id, at)| seen[id].saturating_duration_since(*at)).collect();
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_micros() as f64 / 1_000.0;
    say(&format!(
        "202 to subscriber, {STEADY} events at 200/s: p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    ));
}

/// The same load on a handler that publishes and waits for the broker, and keeps nothing.
async fn plain(broker: &Mosquitto) -> f64 {
    async fn publish(State(handle): State<Handle>, body: axum::body::Bytes) -> StatusCode {
        let Ok(event) = serde_json::from_slice::<Value>(&body) else { return StatusCode::BAD_REQUEST };
        let message = Message { topic: "t/plain".to_owned(), payload: event.to_string().into(), retain: false };
        match handle.lease().expect("the link is up").publish(message).await {
            Ok(_) => StatusCode::ACCEPTED,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
    let link = Link::start(settings(&link::options(broker.addr()), Timing::default()));
    link.up().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("a port");
    let app = Router::new().route("/api/v1/cameras/{id}/events", post(publish)).with_state(link.handle.clone());
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await });
    let rate = throughput(&Door::new(address, "none".to_owned())).await;
    server.shutdown().await;
    rate
}

fn say(line: &str) {
    let _nobody_reads = writeln!(std::io::stdout(), "{line}");
}
