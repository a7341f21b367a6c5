//! Nobody waits behind a slow disk or a large picture but the event that it is about.

use rumqttc::QoS;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep};

use super::support::{home_assistant_goes, is, is_of, json_of, large_picture};
use crate::events::support::{event, start};
use crate::support::camera::{Manner, ScriptedCamera, http, jpeg};
use crate::support::herald::{Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};
use crate::support::publish_command;
use crate::support::stall::Stall;
use crate::support::watcher::Watcher;

/// Less than the five seconds after which a write fails.
const STALL: Duration = Duration::from_secs(4);
/// What comes later has waited for something. On a free machine it is a tenth of that.
const SOON: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_status_does_not_wait_for_a_disk_that_stands_still_and_events_go_on_when_it_is_back() {
    let broker = Mosquitto::start(Config::default()).await;
    let failing = http(500, "", b"");
    let camera = ScriptedCamera::start(Manner::Says(failing)).await;
    let mut cameras = push_cameras(2);
    let watched = json!({ "name": "Watched", "snapshot": camera.url("http", "/s.jpg"), "check_seconds": 3_600 });
    cameras.as_array_mut().unwrap().push(watched);
    let (herald, sender) = start(Setup::with_broker(broker.addr(), cameras)).await;
    herald.announced(1).await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/#"], QoS::AtLeastOnce).await;
    let said = |status: &'static str| {
        let is = is("watched", "status");
        move |message: &_| is(message) && json_of(message)["status"] == status
    };
    watcher.wait_for(said("offline")).await;
    home_assistant_goes(&broker, &herald).await;
    assert_eq!(sender.insist("cam_0", &event("held")).await, 202);

    let stall = Stall::begin(herald.dir().path()).await;
    let stalled = Instant::now();
    camera.once(Manner::Says(http(200, "content-type: image/jpeg\r\n", &jpeg(64, 48))));
    // Also a sign that Home Assistant is there: the event that was held is looked for on the disk.
    publish_command(broker.addr(), "camera_herald/camera/watched/command", "probe").await;
    herald.until_metric("cameras{status=\"online\"}", |online| online == 1.0).await;
    let online = Instant::now();
    let mut beside = JoinSet::new();
    let other = sender.clone();
    beside.spawn(async move { other.insist("cam_1", &event("beside")).await });
    watcher.wait_for(said("online")).await;
    let told = online.elapsed();
    assert!(told < SOON, "the status was told after {told:?}");

    sleep(STALL.saturating_sub(stalled.elapsed())).await;
    drop(stall);
    let back = Instant::now();
    watcher.wait_for(is_of("cam_1", "detection", "beside")).await;
    let fired = back.elapsed();
    assert!(fired < SOON, "an event of another camera came {fired:?} after the disk was back");
    assert_eq!(beside.join_next().await.unwrap().unwrap(), 202);
    watcher.wait_for(is_of("cam_0", "detection", "held")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_pictures_of_one_camera_do_not_hold_up_what_another_sends() {
    let broker = Mosquitto::start(Config::default()).await;
    let (herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.announced(1).await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/#"], QoS::AtLeastOnce).await;
    let picture = large_picture();
    for number in 0..6 {
        let mut posted = event(&format!("large-{number}"));
        posted["image_base64"] = json!(picture);
        assert_eq!(sender.insist("cam_0", &posted).await, 202);
    }
    assert_eq!(sender.insist("cam_1", &event("beside")).await, 202);
    let accepted = Instant::now();
    watcher.wait_for(is_of("cam_1", "detection", "beside")).await;
    let fired = accepted.elapsed();
    assert!(fired < SOON, "it fired {fired:?} after it was accepted");
    for number in 0..6 {
        watcher.wait_for(is_of("cam_0", "detection", &format!("large-{number}"))).await;
    }
    assert_eq!(watcher.seen().iter().filter(|message| is("cam_0", "snapshot")(message)).count(), 6);
}
