//! Home Assistant is heard while much is said.

use std::collections::BTreeSet;

use rumqttc::QoS;
use tokio::time::{Duration, Instant, sleep};

use super::support::{config, leftovers};
use crate::support::camera::{Manner, ScriptedCamera, http, jpeg};
use crate::support::herald::{Herald, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};
use crate::support::watcher::{Seen, Watcher};
use crate::support::{publish, publish_command};

const BRIDGE: &str = "homeassistant/device/camera_herald-bridge/config";

async fn many(cameras: usize) -> (Mosquitto, Herald) {
    let broker = Mosquitto::start(Config { max_queued: Some(0), ..Config::default() }).await;
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(cameras))).await;
    herald.announced(1).await;
    (broker, herald)
}

fn cleared(seen: &[Seen]) -> BTreeSet<&str> {
    seen.iter().filter(|message| message.payload.is_empty()).map(|message| message.topic.as_str()).collect()
}

#[tokio::test]
async fn a_deletion_is_heard_behind_three_hundred_clearings_of_our_own() {
    let (broker, mut herald) = many(301).await;
    let watcher = Watcher::start(broker.addr(), &["homeassistant/device/+/config"], QoS::AtLeastOnce).await;
    herald.reload(|options| options["cameras"].as_array_mut().unwrap().truncate(1));
    watcher.wait_until(|seen| cleared(seen).len() == 300).await;
    publish(broker.addr(), &config("cam_0"), "").await;
    assert_eq!(leftovers(&broker, "cam_0").await, Vec::<String>::new(), "the deletion was not heard");
}

#[tokio::test]
async fn a_device_that_we_took_away_and_brought_back_can_be_deleted_by_the_user() {
    let (broker, mut herald) = many(301).await;
    let watcher = Watcher::start(broker.addr(), &["homeassistant/device/+/config"], QoS::AtLeastOnce).await;
    herald.reload(|options| options["cameras"].as_array_mut().unwrap().truncate(1));
    let seen = watcher.wait_until(|seen| cleared(seen).len() == 300).await;
    let last = seen.last().unwrap().topic.clone();
    let camera = last.trim_start_matches("homeassistant/device/camera_herald-").trim_end_matches("/config");
    watcher.forget();
    herald.reload(|options| options["cameras"] = push_cameras(301));
    watcher.wait_for(|message| message.topic == last && !message.payload.is_empty()).await;
    herald.announced(herald.announcements().await + 1).await;
    publish(broker.addr(), &last, "").await;
    assert_eq!(leftovers(&broker, camera).await, Vec::<String>::new(), "the deletion was not heard");
}

#[tokio::test]
async fn a_birth_a_command_and_a_deletion_are_heard_while_a_thousand_cameras_are_announced() {
    let broker = Mosquitto::start(Config { max_queued: Some(0), ..Config::default() }).await;
    let picture = http(200, "content-type: image/jpeg\r\n", &jpeg(64, 48));
    let camera = ScriptedCamera::start(Manner::Says(picture)).await;
    let mut cameras = push_cameras(999);
    let url = camera.url("http", "/s.jpg");
    let watched = serde_json::json!({ "name": "Watched", "snapshot": url, "check_seconds": 3_600 });
    cameras.as_array_mut().unwrap().push(watched);
    let herald = Herald::start(Setup::with_broker(broker.addr(), cameras)).await;
    let filters = ["homeassistant/device/+/config", "homeassistant/status", "camera_herald/status"];
    let watcher = Watcher::start(broker.addr(), &filters, QoS::AtLeastOnce).await;
    let online = |message: &Seen| message.topic == "camera_herald/status" && message.text() == "online";
    herald.announced(1).await;
    let probes = camera.seen().connections;
    watcher.forget();
    publish_command(broker.addr(), "camera_herald/bridge/command", "announce").await;
    watcher.wait_for(|message| message.topic == config("cam_7")).await;
    assert!(!watcher.seen().iter().any(online), "all of them are announced by now");

    publish_command(broker.addr(), "camera_herald/camera/watched/command", "probe").await;
    publish(broker.addr(), &config("cam_7"), "").await;
    publish(broker.addr(), "homeassistant/status", "online").await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while camera.seen().connections == probes {
        assert!(Instant::now() < deadline, "it is not probed");
        sleep(Duration::from_millis(10)).await;
    }
    let heard_meanwhile = !watcher.seen().iter().any(online);
    let born =
        |seen: &[Seen]| seen.iter().position(|message| message.topic == "homeassistant/status").unwrap_or(seen.len());
    // The bridge comes first in each announcement.
    let answered = |seen: &[Seen]| seen[born(seen)..].iter().any(|message| message.topic == BRIDGE);
    watcher.wait_until(answered).await;
    assert_eq!(leftovers(&broker, "cam_7").await, Vec::<String>::new(), "the deletion was not heard");
    assert!(heard_meanwhile, "the command waited for the end of the announcement");
}
