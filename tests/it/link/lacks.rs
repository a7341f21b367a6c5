//! Brokers that lack what we cannot do without: each is told by name, with the switch that somebody has to change.

use std::time::Duration;

use camera_herald::demo::broker::{self, Broker, ConnectFault};
use camera_herald::options::{MqttOptions, Protocol};
use tokio::time::sleep;

use crate::support::link::{self, Link, quick, settings};
use crate::support::mosquitto::{Config, Mosquitto, Store};

async fn lacking(line: &str) -> Mosquitto {
    Mosquitto::start(Config { extra: vec![line.to_owned()], ..Config::default() }).await
}

/// Each protocol hears the same, and gets its link when the broker was mended.
async fn is_told(mut broker: Mosquitto, kind: &str, switch: &str) {
    let protocols = [Protocol::Auto, Protocol::V311, Protocol::V5];
    let links = protocols.map(|protocol| {
        let options = MqttOptions { protocol, ..link::options(broker.addr()) };
        Link::start_as(settings(&options, quick()), &format!("{protocol:?}"))
    });
    for link in &links {
        let sentence = link.down_because(kind).await;
        assert!(sentence.contains(switch), "{sentence}");
    }
    broker.reconfigure(Config::default());
    broker.restart(Store::Emptied).await;
    for link in &links {
        link.up().await;
    }
}

#[tokio::test]
async fn a_broker_that_keeps_nothing_is_named() {
    is_told(lacking("retain_available false").await, "no_retain", "retain_available").await;
}

#[tokio::test]
async fn a_broker_without_qos_1_is_named() {
    is_told(lacking("max_qos 0").await, "no_qos_1", "max_qos").await;
}

#[tokio::test]
async fn a_broker_that_closes_because_of_our_will_is_named() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.fault(|faults| faults.connect = ConnectFault::RefuseWill);
    for protocol in [Protocol::Auto, Protocol::V311] {
        let options = MqttOptions { protocol, ..link::options(broker.addr()) };
        let link = Link::start(settings(&options, quick()));
        let sentence = link.down_because("will_refused").await;
        assert!(sentence.contains("t/status"), "{sentence}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_not_taken_for_a_refused_will() {
    let login = ("addons".to_owned(), "right".to_owned());
    let broker = Mosquitto::start(Config { login: Some(login), ..Config::default() }).await;
    for protocol in [Protocol::Auto, Protocol::V311, Protocol::V5] {
        let options = MqttOptions { protocol, ..link::options(broker.addr()) };
        let link = Link::start(settings(&link::with_login(options, "addons", "wrong"), quick()));
        link.down_because("auth").await;
        sleep(Duration::from_millis(300)).await;
        link.down_because("auth").await;
    }
}
