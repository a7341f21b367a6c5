//! `kill -9` while events are posted: what was answered 202 is on the broker at the end, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::Rng;
use rumqttc::QoS;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::support::{event, restart, start};
use crate::support::herald::{Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};
use crate::support::watcher::Watcher;

const ROUNDS: usize = 200;
/// Posters, each with one request at a time, each with a camera of its own.
const IN_FLIGHT: usize = 8;
/// A kill may repeat what was under way: at most a batch of the publisher.
const MOST_REPEATED: usize = 64;

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
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/+/event"], QoS::AtLeastOnce).await;
    let (mut herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(IN_FLIGHT))).await;
    herald.says("Announced to Home Assistant", 1).await;
    let accepted = Arc::new(Mutex::new(BTreeMap::new()));
    let mut posters = JoinSet::new();
    for camera in 0..IN_FLIGHT {
        posters.spawn(poster(sender.clone(), camera, accepted.clone()));
    }
    for _ in 0..ROUNDS {
        let pause = rand::rng().random_range(20..250);
        sleep(Duration::from_millis(pause)).await;
        herald.kill9().await;
        herald = restart(herald.dir(), herald.setup()).await;
    }
    posters.shutdown().await;
    let accepted = accepted.lock().unwrap().clone();
    let total: usize = accepted.values().map(Vec::len).sum();
    assert!(total > ROUNDS, "only {total} events were accepted");

    let last: BTreeSet<String> = accepted.values().filter_map(|ids| ids.last().cloned()).collect();
    let ids =
        |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["event_id"].as_str().unwrap().to_owned();
    let seen = watcher
        .wait_until(|seen| {
            let there: BTreeSet<String> = seen.iter().rev().take(4_000).map(|message| ids(&message.text())).collect();
            last.is_subset(&there)
        })
        .await;
    let mut repeated = 0;
    for (camera, wanted) in &accepted {
        let topic = format!("camera_herald/camera/cam_{camera}/event");
        let arrived: Vec<String> =
            seen.iter().filter(|m| m.topic == topic && !m.retain).map(|m| ids(&m.text())).collect();
        let mut first = BTreeSet::new();
        let in_order: Vec<&String> = arrived.iter().filter(|id| first.insert((*id).clone())).collect();
        // One that was on disk although nobody heard the answer is there, too: it was posted again and is a duplicate.
        let order: Vec<&String> = in_order.into_iter().filter(|id| wanted.contains(id)).collect();
        assert_eq!(order, wanted.iter().collect::<Vec<_>>(), "camera {camera}");
        repeated += arrived.len() - first.len();
    }
    // The announcement after each start says the last delivered event of each camera again; it is no new one.
    let bound = ROUNDS * (MOST_REPEATED + 2 * IN_FLIGHT);
    assert!(repeated <= bound, "{repeated} repetitions, at most {bound}");
}
