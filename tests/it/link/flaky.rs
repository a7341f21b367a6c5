//! Links that break again and again: no second copy is suspected because of them.

use std::time::Duration;

use camera_herald::demo::broker::{self, Broker};
use camera_herald::options::{MqttOptions, Protocol};

use crate::support::link::{self, Link, quick, settings};
use crate::support::mosquitto::{Config, Mosquitto, Store};
use crate::support::proxy::Proxy;

/// More than enough to draw conclusions from.
const EPOCHS: u64 = 8;

/// Nothing that the session says of its past names another copy.
async fn is_no_second_copy(link: &Link, epoch: u64) {
    let up = link.up_after(epoch).await;
    assert!(!up.last_error.as_deref().unwrap_or_default().contains("cop"), "{:?}", up.last_error);
}

#[tokio::test]
async fn a_network_that_cuts_each_connection_is_no_second_copy() {
    let broker = Mosquitto::start(Config::default()).await;
    let network = Proxy::cutting_after(Duration::from_millis(150), broker.addr()).await;
    for protocol in [Protocol::Auto, Protocol::V311, Protocol::V5] {
        let options = MqttOptions { protocol, ..link::options(network.addr()) };
        let link = Link::start(settings(&options, quick()));
        for epoch in 0..EPOCHS {
            is_no_second_copy(&link, epoch).await;
        }
    }
}

#[tokio::test]
async fn a_broker_that_restarts_again_and_again_is_no_second_copy() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let link = Link::with(broker.addr());
    for epoch in 0..EPOCHS {
        is_no_second_copy(&link, epoch).await;
        broker.restart(Store::Emptied).await;
    }
}

#[tokio::test]
async fn the_client_id_stays_while_the_network_cuts_each_connection() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    let network = Proxy::cutting_after(Duration::from_millis(150), broker.addr()).await;
    let link = Link::with(network.addr());
    for epoch in 0..EPOCHS {
        link.up_after(epoch).await;
    }
    // The looks at what the broker allows have ids of their own, and no session of these.
    let sessions = broker.sessions();
    let ours = sessions.iter().filter(|session| session.client_id == "link").count();
    let last = sessions.last().map(|session| session.client_id.as_str());
    assert!(ours >= EPOCHS as usize && last == Some("link"), "{sessions:?}");
}
