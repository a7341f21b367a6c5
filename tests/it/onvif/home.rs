//! The program as a process: what Home Assistant sees of a camera that tells by itself.

use std::time::Duration;

use camera_herald::demo::broker::{Broker, Config};
use camera_herald::demo::device::{Device, Quirks};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::support::{MOTION, VIDEO_1};
use crate::support::herald::{Herald, PATIENCE, Setup};

/// Waits until a retained topic holds JSON of which this is true.
async fn retained(broker: &Broker, topic: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let payload = broker.retained().get(topic).map(|payload| serde_json::from_slice(payload.as_ref()).unwrap());
        if let Some(value) = payload.as_ref().filter(|value| is_so(value)) {
            return value.clone();
        }
        assert!(Instant::now() < deadline, "{topic} is {payload:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_cameras_own_event_comes_to_home_assistant_and_so_does_whether_it_is_heard() {
    let (broker, camera) = (Broker::start(Config::default()).unwrap(), Device::start(Quirks::default()).await.unwrap());
    let cameras = json!([{ "name": "Front", "host": camera.addr().to_string() }, { "name": "Yard" }]);
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), cameras)).await;
    let hearing = retained(&broker, "camera_herald/camera/front/hearing", |state| state["state"] == "listening").await;
    assert_eq!(hearing["reason"], Value::Null);

    camera.tell(MOTION, VIDEO_1, "State=true");
    let event = retained(&broker, "camera_herald/camera/front/event", |event| event["event_type"] == "motion").await;
    assert_eq!((&event["source_type"], &event["topic"]), (&json!("onvif"), &json!(MOTION)));
    retained(&broker, "camera_herald/camera/front/activity", |activity| activity["state"] == "ON").await;

    let config = retained(&broker, "homeassistant/device/camera_herald-front/config", |_| true).await;
    assert_eq!(config["components"]["hearing"]["state_topic"], "camera_herald/camera/front/hearing");
    let yard = retained(&broker, "homeassistant/device/camera_herald-yard/config", |_| true).await;
    assert_eq!(yard["components"].get("hearing"), None, "it has nothing to be heard by");
    assert!(!broker.retained().contains_key("camera_herald/camera/yard/hearing"));

    camera.change(|quirks| quirks.places = Some(0));
    camera.reboot();
    let busy = retained(&broker, "camera_herald/camera/front/hearing", |state| state["state"] == "busy").await;
    assert_eq!(busy["reason"], "refused");

    herald.reload(|options| options["cameras"] = json!([{ "name": "Yard" }]));
    let deadline = Instant::now() + PATIENCE;
    while broker.retained().keys().any(|topic| topic.contains("front")) {
        assert!(Instant::now() < deadline, "{:?}", broker.retained().keys());
        sleep(Duration::from_millis(20)).await;
    }
    herald.terminate().await;
}

#[tokio::test]
async fn a_host_alone_is_enough_and_addresses_that_stopped_working_are_asked_for_again() {
    use camera_herald::demo::device::Media;

    use crate::support::camera::{Manner, ScriptedCamera, http, jpeg};

    let (broker, camera) = (Broker::start(Config::default()).unwrap(), Device::start(Quirks::default()).await.unwrap());
    let picture = http(200, "Content-Type: image/jpeg\r\n", &jpeg(640, 360));
    let (first, second) = (
        ScriptedCamera::start(Manner::Says(picture.clone())).await,
        ScriptedCamera::start(Manner::Says(picture)).await,
    );
    let show = |address: String| {
        let profile = |name: &str, width| (name.to_owned(), "video_1".to_owned(), width, 360);
        let profiles = vec![profile("main", 1_920), profile("sub", 640), profile("tiny", 320)];
        camera.show(Media { profiles, snapshot: Some(address), ..Media::default() });
    };
    show(first.url("http", "/{}.jpg").replace("127.0.0.1", "192.0.2.108"));
    let cameras = json!([{ "name": "Front", "host": camera.addr().to_string(), "check_seconds": 5 }]);
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), cameras)).await;
    let status = "camera_herald/camera/front/status";
    let online = retained(&broker, status, |status| status["status"] == "online").await;
    assert_eq!((&online["resolution"], &online["source_type"]), (&json!("640x360"), &json!("onvif")));
    assert!(
        first.seen().requests[0].starts_with("GET /sub.jpg"),
        "the smallest that is wide enough, at the host that answers"
    );

    show(second.url("http", "/{}.jpg"));
    first.once(Manner::Says(http(404, "", b"")));
    let deadline = Instant::now() + PATIENCE;
    while second.seen().connections == 0 {
        assert!(Instant::now() < deadline, "it was never asked again");
        sleep(Duration::from_millis(50)).await;
    }
    retained(&broker, status, |status| status["status"] == "online").await;
    herald.terminate().await;
}
