//! From a real camera to the broker: what Home Assistant is told about streams that live, die and come back.

use rumqttc::QoS;
use serde_json::{Value, json};

use crate::support::camera::{Manner, RtspServer, ScriptedCamera, http, jpeg};
use crate::support::expected::{assert_on, topics};
use crate::support::herald::{Herald, Setup};
use crate::support::mosquitto::{Config, Mosquitto};
use crate::support::watcher::Watcher;

fn picture() -> Manner {
    Manner::Says(http(200, "content-type: image/jpeg\r\n", &jpeg(640, 480)))
}

async fn until_status(watcher: &Watcher, camera: &str, wanted: &str) -> Value {
    let topic = format!("camera_herald/camera/{camera}/status");
    let is = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|status| status["status"] == wanted);
    let seen = watcher.wait_for(|message| message.topic == topic && is(&message.text())).await;
    serde_json::from_str(&seen.text()).unwrap()
}

#[tokio::test]
async fn a_stream_and_a_snapshot_become_two_devices_that_are_online() {
    let broker = Mosquitto::start(Config::default()).await;
    let server = RtspServer::start().await;
    let snapshot = ScriptedCamera::start(picture()).await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/#"], QoS::AtLeastOnce).await;
    let cameras = json!([
        { "name": "Front door", "stream": server.url("open", "/h264"), "area": "Garden" },
        { "name": "Garage", "snapshot": snapshot.url("http", "/snap.jpg") },
    ]);
    let _herald = Herald::start(Setup::with_broker(broker.addr(), cameras)).await;
    let stream = until_status(&watcher, "front_door", "online").await;
    assert_eq!(stream["codec"], json!("h264"));
    assert_eq!(stream["resolution"], json!("640x360"));
    assert_eq!(stream["source_type"], json!("rtsp"));
    let still = until_status(&watcher, "garage", "online").await;
    assert_eq!(still["resolution"], json!("640x480"));
    let wanted = |id: &'static str| format!("camera_herald/camera/{id}/availability");
    for id in ["front_door", "garage"] {
        watcher.wait_for(|message| message.topic == wanted(id) && message.text() == "online").await;
    }
    let ids = ["front_door".to_owned(), "garage".to_owned()];
    assert_on(&broker, &topics("camera_herald", &ids)).await;
}

#[tokio::test]
async fn a_camera_that_dies_says_why_and_comes_back() {
    let broker = Mosquitto::start(Config::default()).await;
    let server = RtspServer::start().await;
    let port = server.port("open");
    let watcher = Watcher::start(broker.addr(), &["camera_herald/#"], QoS::AtLeastOnce).await;
    let cameras = json!([{ "name": "Front door", "stream": server.url("open", "/h264"), "check_seconds": 5 }]);
    let herald = Herald::start(Setup::with_broker(broker.addr(), cameras)).await;
    until_status(&watcher, "front_door", "online").await;
    watcher.forget();

    server.kill().await;
    let dead = until_status(&watcher, "front_door", "offline").await;
    assert_eq!(dead["reason"], json!("refused"));
    let availability = "camera_herald/camera/front_door/availability";
    watcher.wait_for(|message| message.topic == availability && message.text() == "offline").await;
    assert_eq!(herald.count("Front door is offline"), 1, "said once");
    watcher.forget();

    let _server = RtspServer::start_on(port).await;
    until_status(&watcher, "front_door", "online").await;
    watcher.wait_for(|message| message.topic == availability && message.text() == "online").await;
}

#[tokio::test]
async fn a_password_that_stops_working_is_told_from_a_dead_camera() {
    let broker = Mosquitto::start(Config::default()).await;
    let server = RtspServer::start().await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/#"], QoS::AtLeastOnce).await;
    let camera = |password: &str| {
        json!([{
            "name": "Front door", "stream": server.url("digest", "/h264"), "check_seconds": 5,
            "username": "viewer", "password": password,
        }])
    };
    let right = camera("pa:ss/w0rd@");
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), right)).await;
    until_status(&watcher, "front_door", "online").await;
    herald.reload(|options| options["cameras"] = camera("n3w-word"));
    let refused = until_status(&watcher, "front_door", "unauthorized").await;
    assert_eq!(refused["reason"], json!("auth"));
    assert!(!herald.log().contains("n3w-word") && !herald.log().contains("pa:ss"), "a password is in the log");
}
