//! What durability costs: events that are accepted, each on disk before it is answered.
//!
//! `cargo bench --bench outbox`, with `TMPDIR` on the disk that matters. 64 senders share commits; one sender has a
//! commit for each event; the bare disk says what a commit costs at least.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops when it cannot go on")]

use std::io::Write;
use std::time::{Duration, Instant};

use camera_herald::camera::{CameraId, Inventory};
use camera_herald::events::door::{Accepted, Event, EventKind, Submission};
use camera_herald::events::outbox::{Keeper, Settings};
use camera_herald::options::EventOptions;
use camera_herald::store::Store;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

const SENDERS: usize = 64;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("bare disk           {:>8.0} appends/s, each with fdatasync", bare_disk());
    for (name, senders, each, picture) in
        [("1 row per commit", 1, 2_000, 0), ("64 senders", SENDERS, 500, 0), ("64 senders, 50 kB", SENDERS, 50, 50_000)]
    {
        runtime.block_on(run(name, senders, each, picture));
    }
}

fn bare_disk() -> f64 {
    let mut file = tempfile::tempfile().unwrap();
    let start = Instant::now();
    for _ in 0..1_000 {
        file.write_all(&[7; 4_096]).unwrap();
        file.sync_data().unwrap();
    }
    1_000.0 / start.elapsed().as_secs_f64()
}

async fn run(name: &str, senders: usize, each: usize, picture: usize) {
    let dir = tempfile::tempdir().unwrap();
    let (_cameras, inventory) = watch::channel(Inventory::default());
    let settings = Settings::new(&EventOptions::default(), TimeZone::UTC);
    let (keeper, outbox, _histories) = Keeper::new(Store::open(dir.path()).unwrap(), settings, inventory);
    let (submit, submissions) = mpsc::channel(256);
    let mut tasks = JoinSet::new();
    tasks.spawn(keeper.run(submissions));

    let start = Instant::now();
    let mut sending = JoinSet::new();
    for sender in 0..senders {
        let submit = submit.clone();
        sending.spawn(async move {
            let mut waits = Vec::with_capacity(each);
            for n in 0..each {
                let begun = Instant::now();
                let (answer, answered) = oneshot::channel();
                submit.send(Submission { event: event(sender, n, picture), answer }).await.unwrap();
                assert_eq!(answered.await.unwrap(), Ok(Accepted::New));
                waits.push(begun.elapsed());
            }
            waits
        });
    }
    let mut waits: Vec<Duration> = sending.join_all().await.into_iter().flatten().collect();
    let took = start.elapsed().as_secs_f64();
    waits.sort();
    let commits = outbox.figures().commits;
    drop(submit);
    tasks.join_all().await;
    println!(
        "{name:<19} {:>8.0} events/s, {} events in {commits} commits, p50 {:.1?}, p99 {:.1?}",
        waits.len() as f64 / took,
        waits.len(),
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100],
    );
}

fn event(sender: usize, n: usize, picture: usize) -> Event {
    let fields = json!({
        "description": "A person with a parcel walks up to the front door and waits. ".repeat(4),
        "objects_detected": ["person", "package"], "confidence": 91, "ai_confidence": 88, "provider_used": "local",
    });
    let now = Timestamp::now();
    Event {
        camera: CameraId::new(&format!("camera_{sender}")).unwrap(),
        event_id: format!("{sender}-{n}"),
        timestamp: now,
        received: now,
        kind: EventKind::Person,
        description: fields["description"].as_str().map(str::to_owned),
        fields: fields.as_object().unwrap().clone(),
        picture: (picture > 0).then(|| vec![7; picture].into()),
    }
}
