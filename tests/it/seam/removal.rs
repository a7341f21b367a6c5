//! A camera that is removed while its events wait or are on their way: nothing of it stays.

use rumqttc::QoS;
use serde_json::json;

use super::support::{home_assistant_goes, home_assistant_is_there, is, large_picture, leftovers};
use crate::events::support::{event, start};
use crate::support::herald::{Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};
use crate::support::watcher::Watcher;

#[tokio::test]
async fn a_camera_that_is_removed_while_its_events_wait_leaves_nothing() {
    let broker = Mosquitto::start(Config::default()).await;
    let (mut herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.announced(1).await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/#"], QoS::AtLeastOnce).await;
    home_assistant_goes(&broker, &herald).await;
    for number in 0..20 {
        assert_eq!(sender.insist("cam_1", &event(&format!("{number}"))).await, 202);
    }
    let before = herald.announcements().await;
    herald.reload(|options| options["cameras"].as_array_mut().unwrap().truncate(1));
    herald.announced(before + 1).await;
    home_assistant_is_there(&broker, &herald).await;
    herald.until_metric("outbox_events", |waiting| waiting == 0.0).await;
    assert_eq!(leftovers(&broker, "cam_1").await, Vec::<String>::new());
    assert!(!watcher.seen().iter().any(is("cam_1", "event")), "it is gone");
}

#[tokio::test]
async fn a_camera_that_is_removed_while_its_events_are_on_their_way_leaves_nothing() {
    let broker = Mosquitto::start(Config::default()).await;
    let (mut herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.announced(1).await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/+/event"], QoS::AtLeastOnce).await;
    home_assistant_goes(&broker, &herald).await;
    // Their pictures take their time, longer than it takes to clear what a camera has.
    let picture = large_picture();
    for number in 0..5 {
        let mut posted = event(&format!("{number}"));
        posted["image_base64"] = json!(picture);
        assert_eq!(sender.insist("cam_1", &posted).await, 202);
    }
    home_assistant_is_there(&broker, &herald).await;
    watcher.wait_for(is("cam_1", "event")).await;
    herald.reload(|options| options["cameras"].as_array_mut().unwrap().truncate(1));
    // It is over when another camera's event, behind all of them, has come.
    assert_eq!(sender.insist("cam_0", &event("last")).await, 202);
    herald.until_metric("outbox_events", |waiting| waiting == 0.0).await;
    assert_eq!(leftovers(&broker, "cam_1").await, Vec::<String>::new());
}
