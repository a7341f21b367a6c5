//! The retained event never goes back to an older one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rumqttc::QoS;
use tokio::task::JoinSet;
use tokio::time::{Duration, interval};

use super::support::json_of;
use crate::events::support::{Sender, event, start};
use crate::support::herald::{Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};
use crate::support::publish_command;
use crate::support::watcher::{Seen, Watcher};

const CAMERAS: usize = 40;
/// Together they send 50 events a second.
const POSTERS: usize = 4;
const EACH: Duration = Duration::from_millis(80);
const ANNOUNCEMENTS: usize = 15;

/// Goes round its cameras; each camera's events are numbered. Returns the last number of each camera.
async fn post(sender: Sender, poster: usize, stop: Arc<AtomicBool>) -> BTreeMap<String, u64> {
    let mut last = BTreeMap::new();
    let mut tick = interval(EACH);
    for number in 0.. {
        tick.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let camera = format!("cam_{}", poster + POSTERS * (number % (CAMERAS / POSTERS)));
        assert_eq!(sender.insist(&camera, &event(&format!("{number}"))).await, 202);
        last.insert(camera, number as u64);
    }
    last
}

fn camera_and_number(message: &Seen) -> (String, u64) {
    let camera = message.topic.split('/').nth(2).unwrap().to_owned();
    (camera, json_of(message)["event_id"].as_str().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_retained_event_never_goes_back_while_everything_is_announced_again_and_again() {
    let broker = Mosquitto::start(Config { max_queued: Some(0), ..Config::default() }).await;
    let (herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(CAMERAS))).await;
    herald.announced(1).await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/+/event"], QoS::AtLeastOnce).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut posters = JoinSet::new();
    for poster in 0..POSTERS {
        posters.spawn(post(sender.clone(), poster, stop.clone()));
    }
    for _ in 0..ANNOUNCEMENTS {
        let before = herald.announcements().await;
        publish_command(broker.addr(), "camera_herald/bridge/command", "announce").await;
        herald.announced(before + 1).await;
    }
    stop.store(true, Ordering::Relaxed);
    let posted: BTreeMap<String, u64> = posters.join_all().await.into_iter().flatten().collect();
    herald.until_metric("outbox_events", |waiting| waiting == 0.0).await;

    let mut newest = BTreeMap::new();
    let mut back = Vec::new();
    for message in watcher.seen().iter().filter(|message| !message.payload.is_empty()) {
        let (camera, number) = camera_and_number(message);
        let newest = newest.entry(camera).or_insert(number);
        if number < *newest {
            back.push(format!("{}: {number} after {newest}", message.topic));
        }
        *newest = number.max(*newest);
    }
    assert!(back.is_empty(), "it went back {} times: {back:#?}", back.len());
    let retained = broker.retained("camera_herald/camera/+/event").await;
    let held: BTreeMap<String, u64> = retained
        .into_iter()
        .map(|(topic, payload)| Seen { topic, payload: payload.into(), retain: true, qos: QoS::AtLeastOnce })
        .map(|message| camera_and_number(&message))
        .collect();
    assert_eq!(held, posted, "the last one stays");
}
