//! `kill -9` while events are posted: what was answered 202 is on the broker at the end, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::Rng;
use rumqttc::QoS;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::support::{event, restart, start};
use crate::support::herald::{PATIENCE, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};
use crate::support::watcher::{Seen, Watcher};

const ROUNDS: usize = 200;
/// Posters, each with one request at a time, each with a camera of its own.
const IN_FLIGHT: usize = 8;
/// What the courier has under way at once.
const BATCH: usize = 64;

/// What the event entities' template lets fire, by topic.
#[derive(Default)]
struct Passed {
    last: BTreeMap<String, (String, i64)>,
    events: BTreeMap<String, Vec<String>>,
}

impl Passed {
    fn hear(&mut self, detection: &Seen) {
        let event: serde_json::Value = serde_json::from_slice(&detection.payload).unwrap();
        let (outbox, number) = (event["outbox"].as_str().unwrap().to_owned(), event["number"].as_i64().unwrap());
        let last = self.last.get(&detection.topic);
        if last.is_none_or(|(of, last)| *of != outbox || number > *last) {
            self.last.insert(detection.topic.clone(), (outbox, number));
            self.events
                .entry(detection.topic.clone())
                .or_default()
                .push(event["event_id"].as_str().unwrap().to_owned());
        }
    }
}

/// Posts until told to stop; remembers what was accepted, in order.
async fn poster(sender: super::support::Sender, camera: usize, accepted: Arc<Mutex<BTreeMap<usize, Vec<String>>>>) {
    for number in 0.. {
        let id = format!("c{camera}-{number}");
        let posted = event(&id);
        // A request without an answer is repeated: whether it was accepted is not known.
        let status = sender.insist(&format!("cam_{camera}"), &posted).await;
        match status {
            202 | 200 => accepted.lock().unwrap().entry(camera).or_default().push(id),
            429 | 503 => sleep(Duration::from_millis(50)).await,
            other => panic!("{id} was answered with {other}"),
        }
        sleep(Duration::from_millis(15)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_two_hundred_kills() {
    let broker = Mosquitto::start(Config { max_queued: Some(0), ..Config::default() }).await;
    let watcher = Watcher::start(
        broker.addr(),
        &["camera_herald/camera/+/event", "camera_herald/camera/+/detection"],
        QoS::AtLeastOnce,
    )
    .await;
    let (mut herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(IN_FLIGHT))).await;
    herald.says("Announced to Home Assistant", 1).await;
    let accepted = Arc::new(Mutex::new(BTreeMap::new()));
    let mut posters = JoinSet::new();
    for camera in 0..IN_FLIGHT {
        posters.spawn(poster(sender.clone(), camera, accepted.clone()));
    }
    // What the watcher had seen at each kill.
    let mut kills = Vec::new();
    for _ in 0..ROUNDS {
        let pause = rand::rng().random_range(20..250);
        sleep(Duration::from_millis(pause)).await;
        herald.kill9().await;
        kills.push(watcher.seen().len());
        herald = restart(herald.dir(), herald.setup()).await;
    }
    posters.shutdown().await;
    let accepted = accepted.lock().unwrap().clone();
    let total: usize = accepted.values().map(Vec::len).sum();
    assert!(total > ROUNDS, "only {total} events were accepted");

    let ids = |seen: &Seen| {
        let event: serde_json::Value = serde_json::from_slice(&seen.payload).unwrap();
        event["event_id"].as_str().unwrap().to_owned()
    };
    let last: BTreeSet<String> = accepted.values().filter_map(|ids| ids.last().cloned()).collect();
    let deadline = Instant::now() + 2 * PATIENCE;
    let seen = loop {
        let seen = watcher.seen();
        let there: BTreeSet<String> = seen.iter().map(ids).collect();
        let missing: Vec<_> = last.difference(&there).collect();
        if missing.is_empty() {
            break seen;
        }
        assert!(Instant::now() < deadline, "{missing:?} of {total} never came; the log:\n{}", herald.log());
        sleep(Duration::from_millis(250)).await;
    };
    for (camera, wanted) in &accepted {
        let topic = format!("camera_herald/camera/cam_{camera}/event");
        let mut known = BTreeSet::new();
        let first = seen.iter().filter(|message| message.topic == topic).map(ids).filter(|id| known.insert(id.clone()));
        // An event that was on disk when its answer was cut off is there, too: posted again, it was a duplicate.
        let order: Vec<String> = first.filter(|id| wanted.contains(id)).collect();
        assert_eq!(&order, wanted, "camera {camera}");
    }
    let mut fired: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut passed = Passed::default();
    for (at, detection) in seen.iter().enumerate().filter(|(_, message)| message.topic.ends_with("/detection")) {
        fired.entry(ids(detection)).or_default().push(at);
        passed.hear(detection);
    }
    for (camera, wanted) in &accepted {
        let topic = format!("camera_herald/camera/cam_{camera}/detection");
        let order: Vec<&String> = passed.events[&topic].iter().filter(|id| wanted.contains(id)).collect();
        assert_eq!(order, wanted.iter().collect::<Vec<_>>(), "camera {camera} fires each once, in order");
    }
    for (id, times) in &fired {
        // Each life of the program fires an event once at most: a kill allows one repetition, and no more. What a killed program has
        // sent may reach the watcher a little later than its end was noticed: that is the one besides.
        let between = kills.iter().filter(|kill| (times[0]..=times[times.len() - 1]).contains(kill)).count();
        assert!(times.len() <= between + 2, "{id} fired {} times with {between} kills in between", times.len());
    }
    let most = fired.values().map(Vec::len).max().unwrap_or(0);
    let repeated: usize = fired.values().map(|times| times.len() - 1).sum();
    // A kill repeats what was under way, and that is a batch at most.
    assert!(repeated <= ROUNDS * BATCH, "{repeated} repetitions, at most {}", ROUNDS * BATCH);
    println!(
        "{total} accepted, {} fired, {repeated} repetitions, one event at most {most} times, {ROUNDS} kills",
        fired.len()
    );
}
