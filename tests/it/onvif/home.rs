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
