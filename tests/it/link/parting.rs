//! How a session ends: everything acknowledged, and so that its will is not spoken.

use camera_herald::broker::Message;
use rumqttc::QoS;

use super::opening::Authority;
use crate::support::link::{Link, quick, settings};
use crate::support::mosquitto::{Config, Mosquitto};
use crate::support::watcher::Watcher;

#[tokio::test]
async fn the_last_word_passes_tls_so_that_the_will_is_not_spoken() {
    let authority = Authority::new();
    let broker = Mosquitto::start(Config { tls: Some(authority.certify("localhost")), ..Config::default() }).await;
    let watcher = Watcher::start(broker.addr(), &["t/#"], QoS::AtLeastOnce).await;
    for round in 0..10 {
        let link = Link::start(settings(&authority.options(broker.tls_addr()), quick()));
        link.up().await;
        link.publish(Message::retained("t/round", format!("{round}"))).await.unwrap();
        link.stop().await;
    }
    // Mosquitto speaks a will as soon as it sees the connection's end; this comes behind it.
    let fence = Link::with(broker.addr());
    fence.up().await;
    fence.publish(Message::retained("t/fence", "x")).await.unwrap();
    watcher.wait_for(|seen| seen.topic == "t/fence").await;
    assert!(watcher.seen().iter().all(|seen| seen.topic != "t/status"), "a will was spoken:\n{}", broker.log());
}

#[tokio::test]
async fn a_session_ends_while_its_broker_refuses_it() {
    let login = ("addons".to_owned(), "right".to_owned());
    let broker = Mosquitto::start(Config { login: Some(login), ..Config::default() }).await;
    let link = Link::with(broker.addr());
    link.down_because("auth").await;
    link.stop().await;
}
