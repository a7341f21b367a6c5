//! Our own clearings are not taken for the user's, whichever they are.

use rumqttc::QoS;
use serde_json::json;

use super::support::config;
use crate::support::expected::{assert_on, push_camera_ids, topics};
use crate::support::herald::{Herald, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};
use crate::support::publish;
use crate::support::watcher::Watcher;

#[tokio::test]
async fn a_device_that_comes_back_while_home_assistant_is_shown_that_it_went_is_not_taken_for_deleted() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.announced(1).await;
    let topic = config("cam_1");
    let watcher = Watcher::start(broker.addr(), &[topic.as_str()], QoS::AtLeastOnce).await;
    // Home Assistant is not there, and does not hear that it goes.
    let cameras = herald.setup().options["cameras"].clone();
    herald.reload(|options| options["cameras"].as_array_mut().unwrap().truncate(1));
    watcher.wait_for(|message| message.payload.is_empty()).await;
    watcher.forget();

    publish(broker.addr(), "homeassistant/status", "online").await;
    // It is shown once more, to be taken away before everybody's eyes; and just then it comes back.
    watcher.wait_for(|message| !message.payload.is_empty()).await;
    herald.reload(|options| options["cameras"] = cameras);

    // Whatever follows from it has followed: two more announcements went through.
    for name in ["Hall", "Porch"] {
        let before = herald.announcements().await;
        herald.reload(|options| options["cameras"][0]["name"] = json!(name));
        herald.announced(before + 1).await;
    }
    assert_on(&broker, &topics("camera_herald", &push_camera_ids(2))).await;
}
