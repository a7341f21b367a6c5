//! What the small broker tells of itself, and how it ends and begins again.

use std::net::TcpStream;
use std::time::Duration;

use camera_herald::demo::broker::{Broker, Config};
use rumqttc::QoS;
use rumqttc::mqttbytes::v4::{Connect, LastWill, Packet, Subscribe};
use tokio::time::{Instant, sleep};

use super::guest::{Guest, PATIENCE, Raw};
use crate::support::watcher::Watcher;

async fn eventually(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "the condition does not come true");
        sleep(Duration::from_millis(2)).await;
    }
}

fn will() -> LastWill {
    LastWill::new("will", "offline", QoS::AtLeastOnce, true)
}

#[tokio::test]
async fn sessions_and_messages_are_logged_as_they_came() {
    let broker = Broker::start(Config::default()).unwrap();
    broker.record(true);
    let mut connect = Connect::new("first");
    connect.clean_session = false;
    connect.keep_alive = 7;
    connect.last_will = Some(will());
    let _raw = Raw::enter(broker.addr(), connect).await;
    let guest = Guest::enter(broker.addr()).await;
    guest.publish("b", "1", true).await;
    guest.publish("a", "2", false).await;

    let session = &broker.sessions()[0];
    assert_eq!((session.client_id.as_str(), session.clean_session, session.protocol_level), ("first", false, 4));
    assert_eq!((session.keep_alive, session.will.clone()), (Duration::from_secs(7), Some(will())));
    let log: Vec<_> = broker.log().into_iter().map(|message| (message.topic, message.retain)).collect();
    assert_eq!(log, [("b".into(), true), ("a".into(), false)]);
    assert_eq!((broker.published(), broker.connections(), broker.peak_connections()), (2, 2, 2));
    broker.record(false);
    guest.publish("c", "3", false).await;
    assert_eq!((broker.log().len(), broker.published()), (0, 3));
    guest.goodbye().await;
    eventually(|| broker.connections() == 1).await;
    assert_eq!((broker.clients(), broker.peak_connections()), (vec!["first".to_owned()], 2));
}

#[tokio::test]
async fn injected_messages_reach_subscribers_and_the_store() {
    let broker = Broker::start(Config::default()).unwrap();
    let watcher = Watcher::start(broker.addr(), &["#"], QoS::AtLeastOnce).await;
    broker.publish("homeassistant/status", "online", false);
    broker.publish("kept", "x", true);
    let seen = watcher.wait_until(|seen| seen.len() == 2).await;
    assert_eq!((seen[0].text().as_str(), seen[0].retain), ("online", false));
    assert_eq!(broker.retained().into_iter().collect::<Vec<_>>(), [("kept".into(), "x".into())]);
    assert_eq!(broker.published(), 0);
}

#[tokio::test]
async fn cut_connections_leave_their_wills_and_watchers_come_back() {
    let broker = Broker::start(Config::default()).unwrap();
    let watcher = Watcher::start(broker.addr(), &["#"], QoS::AtLeastOnce).await;
    let guest = Guest::with_will(broker.addr(), will()).await;
    broker.drop_connections();
    guest.wait(|news| news.ended).await;
    assert_eq!(watcher.wait_for(|seen| seen.topic == "will" && seen.retain).await.text(), "offline");
}

#[tokio::test]
async fn a_goodbye_counts_even_if_the_client_left_its_mail_unread() {
    let broker = Broker::start(Config::default()).unwrap();
    for number in 0..10 {
        broker.publish(&format!("a/{number}"), vec![0; 1_000_000], true);
    }
    let mut connect = Connect::new("hasty");
    connect.last_will = Some(will());
    let mut hasty = Raw::enter(broker.addr(), connect).await;
    let mut subscribe = Subscribe::new("#", QoS::AtMostOnce);
    subscribe.pkid = 1;
    hasty.send(Packet::Subscribe(subscribe)).await;
    hasty.receive().await;
    hasty.send(Packet::Disconnect).await;
    drop(hasty);
    eventually(|| broker.clients().is_empty()).await;
    assert!(!broker.retained().contains_key("will"));
}

#[tokio::test]
async fn a_crashed_broker_listens_again_with_or_without_its_store() {
    let broker = Broker::start(Config::default()).unwrap();
    for forgets in [false, true] {
        let guest = Guest::with_will(broker.addr(), will()).await;
        guest.publish("a", "x", true).await;
        broker.crash().await;
        guest.wait(|news| news.ended).await;
        assert!(TcpStream::connect(broker.addr()).is_err());
        if forgets {
            broker.forget();
        }
        broker.open().await.unwrap();
        Guest::enter(broker.addr()).await.goodbye().await;
        let left: Vec<_> = broker.retained().into_keys().collect();
        assert_eq!(left, if forgets { vec![] } else { vec!["a"] });
    }
}

#[tokio::test]
async fn a_closed_door_leaves_present_clients_alone() {
    let broker = Broker::start(Config::default()).unwrap();
    let guest = Guest::enter(broker.addr()).await;
    broker.close().await;
    assert!(TcpStream::connect(broker.addr()).is_err());
    guest.publish("a", "x", false).await;
}

#[tokio::test]
async fn a_stopped_or_dropped_broker_leaves_nothing_behind() {
    for stops in [true, false] {
        let broker = Broker::start(Config::default()).unwrap();
        let addr = broker.addr();
        let guest = Guest::enter(addr).await;
        if stops {
            broker.stop().await;
            assert!(TcpStream::connect(addr).is_err());
            assert_eq!(broker.connections(), 0);
        }
        drop(broker);
        guest.wait(|news| news.ended).await;
        eventually(|| TcpStream::connect(addr).is_err()).await;
    }
}

#[tokio::test]
async fn what_a_subscriber_does_not_take_is_dropped_and_counted() {
    let broker = Broker::start(Config { max_queued: 5, max_inflight: 2, ..Config::default() }).unwrap();
    for number in 0..10 {
        broker.publish(&format!("a/{number}"), "x", true);
    }
    let watcher = Watcher::start(broker.addr(), &["a/#"], QoS::AtLeastOnce).await;
    watcher.wait_until(|seen| seen.len() == 7).await;
    assert_eq!(broker.dropped(), 3);
}
