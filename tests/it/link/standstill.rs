//! A broker that stands still: the connection is open and nothing answers. With the real time limits.

use std::time::Duration;

use camera_herald::broker::{LinkState, Message, Timing};
use camera_herald::options::{MqttOptions, Protocol};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::support::link::{self, Link, settings};
use crate::support::mosquitto::{Config, Mosquitto};

/// A half-open link is found within this, also under load.
const FOUND: Duration = Duration::from_secs(25);

async fn is_found(protocol: Protocol, load: bool) {
    let broker = Mosquitto::start(Config::default()).await;
    let options = MqttOptions { protocol, ..link::options(broker.addr()) };
    let link = Link::start(settings(&options, Timing::default()));
    let epoch = link.up().await.epoch;
    let mut publishers = JoinSet::new();
    if load {
        let handle = link.handle.clone();
        publishers.spawn(async move {
            loop {
                let message = Message { topic: "t/load".into(), payload: vec![b'x'; 100_000].into(), retain: false };
                if !matches!(handle.lease(), Some(lease) if lease.send(message).await.is_ok()) {
                    sleep(Duration::from_millis(5)).await;
                }
            }
        });
        sleep(Duration::from_millis(200)).await;
    }
    broker.pause();
    let paused = Instant::now();
    let mut state = link.handle.link();
    let found = timeout(FOUND, state.wait_for(|state| matches!(state, LinkState::Down { .. }))).await.is_ok();
    assert!(found, "{protocol:?}, load {load}: not found within {FOUND:?}");
    assert!(paused.elapsed() < FOUND);
    broker.resume();
    link.up_after(epoch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stands_still_is_found_idle_and_under_load_with_both_protocols() {
    let mut cases = JoinSet::new();
    for protocol in [Protocol::Auto, Protocol::V5] {
        for load in [false, true] {
            cases.spawn(is_found(protocol, load));
        }
    }
    while let Some(case) = cases.join_next().await {
        case.unwrap();
    }
}
