//! The announcer's flow: what is on the broker after a start, a restart, a birth, a change of the inventory.

use serde_json::{Value, json};

use crate::support::herald::{Herald, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto, Store};

#[tokio::test]
async fn a_fresh_start_leaves_exactly_the_expected_topics() {
    let broker = Mosquitto::start(Config::default()).await;
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.says("Announced to Home Assistant", 1).await;

    let retained = broker.retained("#").await;

    let mut expected = vec![
        "camera_herald/status".to_owned(),
        "camera_herald/bridge/state".to_owned(),
        "homeassistant/device/camera_herald/bridge/config".to_owned(),
    ];
    for id in ["cam_0", "cam_1"] {
        expected.push(format!("homeassistant/device/camera_herald/{id}/config"));
        for leaf in ["availability", "status", "last_event", "counts", "activity"] {
            expected.push(format!("camera_herald/camera/{id}/{leaf}"));
        }
    }
    expected.sort();
    assert_eq!(retained.keys().cloned().collect::<Vec<_>>(), expected);
    assert_eq!(retained["camera_herald/status"], b"online");
    assert_eq!(retained["camera_herald/camera/cam_0/availability"], b"online");
    let status: Value = serde_json::from_slice(&retained["camera_herald/camera/cam_0/status"]).unwrap();
    assert_eq!(status["status"], json!("unknown"));
}

#[tokio::test]
async fn a_broker_that_lost_its_store_hears_everything_again() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(20))).await;
    herald.says("Announced to Home Assistant", 1).await;
    let before = broker.retained("#").await;

    broker.kill9().await;
    broker.restart(Store::Emptied).await;
    herald.says("Announced to Home Assistant", 2).await;

    let after = broker.retained("#").await;
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
}
