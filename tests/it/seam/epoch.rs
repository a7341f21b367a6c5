//! What was decided in an epoch is sent in it, or decided again.

use rumqttc::QoS;
use serde_json::json;
use tokio::time::{Duration, sleep};

use super::support::{home_assistant_goes, home_assistant_is_there, is, is_of};
use crate::events::support::{event, start};
use crate::support::herald::{Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto, Store};
use crate::support::publish;
use crate::support::stall::Stall;
use crate::support::watcher::{Seen, Watcher};

#[tokio::test]
async fn an_event_that_was_taken_up_in_an_epoch_that_is_over_waits_for_home_assistant_in_the_next() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let (mut herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.announced(1).await;
    home_assistant_goes(&broker, &herald).await;
    assert_eq!(sender.insist("cam_0", &event("a")).await, 202);

    // Somebody is there: the event may go, and is taken up. But the disk stands still.
    let stall = Stall::begin(herald.dir().path()).await;
    home_assistant_is_there(&broker, &herald).await;
    // Long enough to ask the disk, and not long enough to be told that it does not answer.
    sleep(Duration::from_millis(100)).await;

    broker.kill9().await;
    herald.misses_the_broker().await;
    broker.restart(Store::Emptied).await;
    let filters = ["camera_herald/#", "homeassistant/status"];
    let watcher = Watcher::start(broker.addr(), &filters, QoS::AtLeastOnce).await;
    watcher.wait_for(|message| message.topic == "camera_herald/status" && message.text() == "online").await;
    herald.until_metric("broker_connections_total", |connections| connections == 2.0).await;
    drop(stall);

    assert_eq!(sender.insist("cam_1", &event("b")).await, 202, "the disk is back");
    watcher.wait_for(|message| is("cam_1", "counts")(message) && message.text().contains("\"events_today\":1")).await;
    let before = herald.announcements().await;
    herald.reload(|options| options["cameras"][0]["name"] = json!("Hall"));
    herald.announced(before + 1).await;
    let fired = |seen: &[Seen]| seen.iter().filter(|message| message.topic.ends_with("/detection")).count();
    assert_eq!(fired(&watcher.seen()), 0, "nobody listens yet: {:#?}", watcher.seen());

    publish(broker.addr(), "homeassistant/status", "online").await;
    watcher.wait_for(is_of("cam_0", "detection", "a")).await;
    watcher.wait_for(is_of("cam_1", "detection", "b")).await;
    herald.until_metric("outbox_events", |waiting| waiting == 0.0).await;
    assert_eq!(fired(&watcher.seen()), 2, "each fires once: {:#?}", watcher.seen());
}
