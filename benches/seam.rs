//! Who waits for whom: statuses and events beside a disk that stands still, and beside announcements.
//!
//! `cargo bench --bench seam`. A disk that stands still is a database whose places for readers somebody else has locked; SQLite looks every
//! 0.2 s whether it is back, which is part of what is printed. Cameras, senders, program and broker share the machine.

#[path = "../tests/it/support/mod.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests use the rest, and fail by panicking")]
mod support;

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rumqttc::QoS;
use serde_json::{Value, json};
use support::camera::{http, jpeg};
use support::herald::{Herald, Setup, push_cameras};
use support::mosquitto::{Config, Mosquitto};
use support::stall::Stall;
use support::watcher::{Seen, Watcher};
use support::{publish, publish_command};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

const ROUNDS: usize = 3;
/// Cameras with a snapshot, and as many that only send events.
const CAMERAS: usize = 40;
/// A little less than what makes a write fail.
const STALL: Duration = Duration::from_millis(4_800);
const ANNOUNCEMENTS: usize = 20;
const EVENT_GAP: Duration = Duration::from_millis(20);

/// What one round with a stalled disk came to.
#[derive(Default)]
struct Figures {
    /// From a camera's answer to its status at a subscriber.
    told: Vec<Duration>,
    /// From the disk's return to the 202 of an event that waited for it, and from there to a subscriber.
    accepted: Vec<Duration>,
    fired: Vec<Duration>,
}

/// When each thing happened, by its name.
type Times = Arc<Mutex<HashMap<String, Instant>>>;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut all = Figures::default();
        for _ in 0..ROUNDS {
            let Figures { told, accepted, fired } = beside_a_stalled_disk().await;
            all.told.extend(told);
            all.accepted.extend(accepted);
            all.fired.extend(fired);
        }
        say(&format!("disk stands still: from a camera's answer to its status at a subscriber: {}", figures(all.told)));
        say(&format!("disk is back: to the 202 of an event that waited for it: {}", figures(all.accepted)));
        say(&format!("disk is back: from that 202 to a subscriber: {}", figures(all.fired)));
        beside_announcements().await;
    });
}

/// All cameras become online, and others send events, while an event is looked for on a disk that stands still.
async fn beside_a_stalled_disk() -> Figures {
    let broker = Mosquitto::start(Config { max_queued: Some(0), ..Config::default() }).await;
    let (answered, works) = (Times::default(), Arc::new(AtomicBool::new(false)));
    let mut cameras_task = JoinSet::new();
    let address = serve_pictures(&mut cameras_task, answered.clone(), works.clone()).await;
    let mut cameras = push_cameras(CAMERAS);
    let watched = (0..CAMERAS).map(|i| {
        let url = format!("http://{address}/watched_{i}");
        json!({ "name": format!("watched_{i}"), "snapshot": url, "check_seconds": 3_600 })
    });
    cameras.as_array_mut().expect("a list").extend(watched);
    let (herald, door) = program(&broker, cameras).await;
    herald.until_metric("cameras{status=\"offline\"}", |offline| offline == CAMERAS as f64).await;
    publish_command(broker.addr(), "camera_herald/bridge/command", "probe_all").await;
    herald.knows_home_assistant().await;
    publish(broker.addr(), "homeassistant/status", "offline").await;
    herald.misses_home_assistant().await;
    assert_eq!(door.post(0, "held").await, 202);

    let seen = Times::default();
    let mut watching = JoinSet::new();
    let filters = ["camera_herald/camera/+/status", "camera_herald/camera/+/detection"];
    let watcher = Watcher::start(broker.addr(), &filters, QoS::AtLeastOnce).await;
    watching.spawn(stamp(watcher, seen.clone(), name));
    let stall = Stall::begin(herald.dir().path()).await;
    let began = Instant::now();
    works.store(true, Ordering::Relaxed);
    publish_command(broker.addr(), "camera_herald/bridge/command", "probe_all").await;
    let mut posting = JoinSet::new();
    for camera in 1..10 {
        let (door, answered) = (door.clone(), answered.clone());
        posting.spawn(async move {
            let status = door.post(camera, "beside").await;
            answered.lock().expect("nobody panicked").insert(format!("cam_{camera} beside"), Instant::now());
            status
        });
    }
    sleep(STALL.saturating_sub(began.elapsed())).await;
    drop(stall);
    let back = Instant::now();
    assert!(posting.join_all().await.into_iter().all(|status| status == 202), "no event is refused");
    until(|| seen.lock().expect("nobody panicked").len() >= CAMERAS + 10).await;
    let (seen, answered) = (seen.lock().expect("nobody panicked"), answered.lock().expect("nobody panicked"));
    let mut figures = Figures::default();
    for (name, at) in answered.iter() {
        let later = seen[name].saturating_duration_since(*at);
        match name.ends_with("beside") {
            false => figures.told.push(later),
            true => {
                figures.accepted.push(at.saturating_duration_since(back));
                figures.fired.push(later);
            }
        }
    }
    figures
}

/// 50 events a second, and everything announced again and again.
async fn beside_announcements() {
    let broker = Mosquitto::start(Config { max_queued: Some(0), ..Config::default() }).await;
    let (herald, door) = program(&broker, push_cameras(CAMERAS)).await;
    let whole = Watcher::start(broker.addr(), &["camera_herald/camera/+/event"], QoS::AtLeastOnce).await;
    let (answered, seen) = (Times::default(), Times::default());
    let mut watching = JoinSet::new();
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/+/detection"], QoS::AtLeastOnce).await;
    watching.spawn(stamp(watcher, seen.clone(), name));
    let stop = Arc::new(AtomicBool::new(false));
    let posted = Arc::new(AtomicUsize::new(0));
    let mut posting = JoinSet::new();
    let (stopped, count, times) = (stop.clone(), posted.clone(), answered.clone());
    posting.spawn(async move {
        let (mut tick, mut under_way) = (interval(EVENT_GAP), JoinSet::new());
        for number in 0.. {
            tick.tick().await;
            if stopped.load(Ordering::Relaxed) {
                break;
            }
            let (door, times) = (door.clone(), times.clone());
            under_way.spawn(async move {
                let (camera, id) = (number % CAMERAS, format!("{number}"));
                assert_eq!(door.post(camera, &id).await, 202);
                times.lock().expect("nobody panicked").insert(format!("cam_{camera} {id}"), Instant::now());
            });
            count.fetch_add(1, Ordering::Relaxed);
        }
        while under_way.join_next().await.is_some() {}
    });
    let began = Instant::now();
    for _ in 0..ANNOUNCEMENTS {
        let before = herald.announcements().await;
        publish_command(broker.addr(), "camera_herald/bridge/command", "announce").await;
        herald.announced(before + 1).await;
    }
    let took = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    posting.join_all().await;
    let posted = posted.load(Ordering::Relaxed);
    until(|| seen.lock().expect("nobody panicked").len() >= posted).await;
    let (seen, answered) = (seen.lock().expect("nobody panicked"), answered.lock().expect("nobody panicked"));
    let times = answered.iter().map(|(event, at)| seen[event].saturating_duration_since(*at)).collect();
    say(&format!(
        "{ANNOUNCEMENTS} announcements of {CAMERAS} cameras in {:.1} s beside {:.0} events/s: 202 to subscriber {}; the retained event \
         went back {} times",
        took.as_secs_f64(),
        posted as f64 / took.as_secs_f64(),
        figures(times),
        went_back(&whole.seen()),
    ));
}

/// How often an older event came after a newer one of the same camera.
fn went_back(seen: &[Seen]) -> usize {
    let mut newest = HashMap::new();
    let goes_back = |message: &&Seen| {
        let number: u64 = event_id(message).parse().expect("a number");
        let newest = newest.entry(message.topic.clone()).or_insert(number);
        let back = number < *newest;
        *newest = number.max(*newest);
        back
    };
    seen.iter().filter(goes_back).count()
}

/// Notes when each message came first.
async fn stamp(watcher: Watcher, times: Times, name: fn(&Seen) -> Option<String>) {
    let mut known = 0;
    loop {
        let seen = watcher.wait_until(|seen| seen.len() > known).await;
        let now = Instant::now();
        let mut times = times.lock().expect("nobody panicked");
        for name in seen[known..].iter().filter_map(name) {
            times.entry(name).or_insert(now);
        }
        known = seen.len();
    }
}

/// A camera that is online, or an event.
fn name(message: &Seen) -> Option<String> {
    let camera = message.topic.split('/').nth(2)?;
    if message.topic.ends_with("/detection") {
        return Some(format!("{camera} {}", event_id(message)));
    }
    let status: Value = serde_json::from_slice(&message.payload).ok()?;
    (status["status"] == "online").then(|| camera.to_owned())
}

fn event_id(message: &Seen) -> String {
    let event: Value = serde_json::from_slice(&message.payload).expect("JSON");
    event["event_id"].as_str().expect("an id").to_owned()
}

/// Pictures by HTTP as soon as it works, and errors before; when each camera's first picture was asked for.
async fn serve_pictures(tasks: &mut JoinSet<()>, answered: Times, works: Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("a port");
    let picture = http(200, "content-type: image/jpeg\r\n", &jpeg(64, 48));
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let (answered, works, picture) = (answered.clone(), works.clone(), picture.clone());
            connections.spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                let _asked = stream.read_line(&mut line).await;
                let camera = line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
                let good = works.load(Ordering::Relaxed);
                let _gone = stream.write_all(if good { &picture } else { b"HTTP/1.1 500 No\r\n\r\n" }).await;
                if good {
                    answered.lock().expect("nobody panicked").entry(camera).or_insert_with(Instant::now);
                }
            });
        }
    });
    address
}

#[derive(Clone)]
struct Door {
    client: reqwest::Client,
    address: SocketAddr,
    token: String,
}

impl Door {
    async fn post(&self, camera: usize, id: &str) -> u16 {
        let url = format!("http://{}/api/v1/cameras/cam_{camera}/events", self.address);
        let event = json!({ "event_id": id, "timestamp": jiff::Timestamp::now(), "smart_detection_type": "person" });
        let answer = self.client.post(url).bearer_auth(&self.token).json(&event).send().await;
        answer.expect("the door is open").status().as_u16()
    }
}

async fn program(broker: &Mosquitto, cameras: Value) -> (Herald, Door) {
    camera_herald::tls::install_provider();
    let address = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("a port");
    let mut setup = Setup::with_broker(broker.addr(), cameras);
    setup.options["log_level"] = json!("info");
    setup.environment.push(("HERALD_EVENTS_LISTEN".to_owned(), address.to_string()));
    let herald = Herald::start(setup).await;
    herald.announced(1).await;
    let token = std::fs::read_to_string(herald.dir().path().join("event_token")).expect("the token is there");
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).tcp_nodelay(true).build().expect("a client");
    (herald, Door { client, address, token: token.trim().to_owned() })
}

async fn until(wanted: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !wanted() {
        assert!(Instant::now() < deadline, "it does not come");
        sleep(Duration::from_millis(50)).await;
    }
}

fn figures(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_micros() as f64 / 1_000.0;
    format!("p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms of {}", at(0.5), at(0.99), at(1.0), times.len())
}

fn say(line: &str) {
    let _nobody_reads = writeln!(std::io::stdout(), "{line}");
}
