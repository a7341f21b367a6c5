//! Home Assistant that comes and goes, and what is read from a watcher's record.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::support::camera::jpeg;
use crate::support::herald::{Herald, PATIENCE};
use crate::support::mosquitto::Mosquitto;
use crate::support::watcher::Seen;
use crate::support::{publish, publish_command};

/// Home Assistant shows that it is there. It leads to nothing else: no camera can be probed.
pub(super) async fn home_assistant_is_there(broker: &Mosquitto, herald: &Herald) {
    publish_command(broker.addr(), "camera_herald/bridge/command", "probe_all").await;
    herald.knows_home_assistant().await;
}

/// Home Assistant goes: from now on events wait for it.
pub(super) async fn home_assistant_goes(broker: &Mosquitto, herald: &Herald) {
    home_assistant_is_there(broker, herald).await;
    publish(broker.addr(), "homeassistant/status", "offline").await;
    herald.misses_home_assistant().await;
}

pub(super) fn json_of(message: &Seen) -> Value {
    serde_json::from_slice(&message.payload).unwrap_or_else(|_| panic!("not JSON: {message:?}"))
}

/// A message on this topic of a camera.
pub(super) fn is(camera: &str, leaf: &str) -> impl Fn(&Seen) -> bool + Clone {
    let topic = format!("camera_herald/camera/{camera}/{leaf}");
    move |message| message.topic == topic && !message.payload.is_empty()
}

/// The same of one event.
pub(super) fn is_of(camera: &str, leaf: &str, event: &str) -> impl Fn(&Seen) -> bool + Clone {
    let (is, event) = (is(camera, leaf), event.to_owned());
    move |message| is(message) && json_of(message)["event_id"] == event.as_str()
}

/// A config topic of a camera.
pub(super) fn config(camera: &str) -> String {
    format!("homeassistant/device/camera_herald-{camera}/config")
}

/// Waits until nothing of this camera is retained. Returns what is left when patience is at its end.
pub(super) async fn leftovers(broker: &Mosquitto, camera: &str) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut left: Vec<String> =
            broker.retained(&format!("camera_herald/camera/{camera}/#")).await.into_keys().collect();
        left.extend(broker.retained(&config(camera)).await.into_keys());
        if left.is_empty() || Instant::now() > deadline {
            return left;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// What takes a good part of a second to be made fit for Home Assistant: 12 megapixels of nothing, as base64.
pub(super) fn large_picture() -> String {
    crate::events::base64(&jpeg(4_000, 3_000))
}
