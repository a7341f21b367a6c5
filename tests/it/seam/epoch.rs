//! What was decided in an epoch is sent in it, or decided again.

use std::collections::BTreeMap;

use rumqttc::QoS;
use serde_json::json;
use tokio::time::{Duration, sleep};

use super::support::{home_assistant_goes, home_assistant_is_there, is, json_of};
use crate::events::support::{event, start};
use crate::support::camera::jpeg;
use crate::support::herald::{Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto, Store};
use crate::support::publish;
use crate::support::stall::Stall;
use crate::support::watcher::{Seen, Watcher};

/// More than can be kept ready in memory: those at the end have to be read when their turn comes.
const HELD: usize = 4;

/// How often each event fired.
fn fired(seen: &[Seen]) -> BTreeMap<String, usize> {
    let mut fired = BTreeMap::new();
    for message in seen.iter().filter(|message| message.topic.ends_with("/detection")) {
        *fired.entry(json_of(message)["event_id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    fired
}

#[tokio::test]
async fn events_that_were_taken_up_in_an_epoch_that_is_over_wait_for_home_assistant_in_the_next() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let (herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(HELD + 1))).await;
    herald.announced(1).await;
    let before = Watcher::start(broker.addr(), &["camera_herald/camera/+/detection"], QoS::AtLeastOnce).await;
    home_assistant_goes(&broker, &herald).await;
    let picture = crate::events::base64(&jpeg(64, 48));
    for camera in 0..HELD {
        let mut posted = event(&format!("held-{camera}"));
        posted["image_base64"] = json!(picture);
        assert_eq!(sender.insist(&format!("cam_{camera}"), &posted).await, 202);
    }

    // Somebody is there: the events may go, and are taken up. But the disk stands still.
    let stall = Stall::begin(herald.dir().path()).await;
    home_assistant_is_there(&broker, &herald).await;
    // Long enough to ask the disk, and not long enough to be told that it does not answer.
    sleep(Duration::from_millis(100)).await;
    broker.kill9().await;
    herald.misses_the_broker().await;
    let before = fired(&before.seen());
    assert!(before.len() < HELD, "the disk does not stand still: {before:?}");
    broker.restart(Store::Emptied).await;
    let filters = ["camera_herald/#", "homeassistant/status"];
    let watcher = Watcher::start(broker.addr(), &filters, QoS::AtLeastOnce).await;
    watcher.wait_for(|message| message.topic == "camera_herald/status" && message.text() == "online").await;
    herald.until_metric("broker_connections_total", |connections| connections == 2.0).await;
    drop(stall);

    // What is too old to set anything off waits for nobody, and by the time it is there, so is what was taken up.
    let last = format!("cam_{HELD}");
    let mut old = event("old");
    old["timestamp"] = json!(jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1));
    assert_eq!(sender.insist(&last, &old).await, 202, "the disk is back");
    watcher.wait_for(|message| is(&last, "event")(message) || message.topic.ends_with("/detection")).await;
    assert_eq!(fired(&watcher.seen()), BTreeMap::new(), "nobody listens yet");

    publish(broker.addr(), "homeassistant/status", "online").await;
    let missing = (0..HELD).map(|camera| format!("held-{camera}")).filter(|id| !before.contains_key(id));
    let missing: Vec<_> = missing.collect();
    let seen = watcher.wait_until(|seen| missing.iter().all(|id| fired(seen).contains_key(id))).await;
    assert!(fired(&seen).values().all(|times| *times == 1), "each fires once: {seen:#?}");
}
