//! After the broker was killed, emptied, or stood still.

use camera_herald::demo::broker::{self, Broker};

use crate::support::expected::{assert_on, push_camera_ids, topics};
use crate::support::herald::{Herald, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto, Store};

/// Cameras of a large home with an installer.
const MANY: usize = 200;

#[tokio::test]
async fn two_hundred_cameras_are_back_each_of_ten_times_that_the_broker_is_killed_and_emptied() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(MANY))).await;
    let expected = topics("camera_herald", &push_camera_ids(MANY));
    herald.says("Announced to Home Assistant", 1).await;
    for round in 2..=11 {
        broker.kill9().await;
        broker.restart(Store::Emptied).await;
        herald.says("Announced to Home Assistant", round).await;
        let retained = assert_on(&broker, &expected).await;
        assert_eq!(retained["camera_herald/status"], b"online");
    }
}

#[tokio::test]
async fn two_hundred_cameras_are_back_when_the_broker_kept_its_store() {
    let persistent = Config { persistence: true, ..Config::default() };
    let mut broker = Mosquitto::start(persistent).await;
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(MANY))).await;
    let expected = topics("camera_herald", &push_camera_ids(MANY));
    herald.says("Announced to Home Assistant", 1).await;
    broker.terminate().await;
    broker.restart(Store::Kept).await;
    herald.says("Announced to Home Assistant", 2).await;
    let retained = assert_on(&broker, &expected).await;
    assert_eq!(retained["camera_herald/status"], b"online");
}

#[tokio::test]
async fn two_hundred_cameras_are_back_when_the_broker_stood_still_until_the_link_was_half_open() {
    let broker = Mosquitto::start(Config::default()).await;
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(MANY))).await;
    herald.says("Announced to Home Assistant", 1).await;
    broker.pause();
    herald.says(" WARN Waiting for the broker", 1).await;
    broker.resume();
    herald.says("Announced to Home Assistant", 2).await;
    let retained = assert_on(&broker, &topics("camera_herald", &push_camera_ids(MANY))).await;
    // The will of the old connection may have come after the new one's `online`, if the broker saw its end late.
    assert_eq!(retained["camera_herald/status"], b"online");
}

#[tokio::test]
async fn an_offline_that_somebody_else_says_for_us_is_contradicted() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.says("Looked for leftovers", 1).await;
    broker.publish("camera_herald/status", "offline", true);
    herald.says("Somebody else said", 1).await;
    herald.says("Announced to Home Assistant", 2).await;
    assert_eq!(broker.retained()["camera_herald/status"], "online");
}
