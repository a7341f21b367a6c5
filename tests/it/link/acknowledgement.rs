//! Acknowledgements that come late, in another order, or never.

use std::time::Duration;

use camera_herald::broker::{LinkLost, Message, Timing};
use camera_herald::demo::broker::{self, Broker};
use camera_herald::options::Protocol;
use tokio::time::timeout;

use crate::support::herald::PATIENCE;
use crate::support::link::{self, Link, quick, settings};
use crate::support::mosquitto::{Config, Mosquitto};

#[tokio::test]
async fn a_lost_acknowledgement_ends_the_connection_and_not_the_service() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.fault(|faults| faults.swallow_puback_every = Some(200));
    let timing = Timing { acknowledge: Duration::from_secs(2), ..quick() };
    let link = Link::start(settings(&link::options(broker.addr()), timing));
    let first = link.up().await.epoch;
    let mut acks = Vec::new();
    for i in 0..1_000 {
        match link.send(Message::retained(format!("t/{i}"), "x")).await {
            Ok(ack) => acks.push(ack),
            Err(error) => assert_eq!(error, LinkLost),
        }
    }
    let mut lost = 0;
    for ack in acks {
        let heard = timeout(PATIENCE, ack.acknowledged()).await.expect("nobody waits for ever");
        lost += usize::from(heard == Err(LinkLost));
    }
    assert!(lost > 0, "the swallowed ones were reported");
    broker.heal();
    link.up_after(first).await;
    for i in 0..1_000 {
        link.publish(Message::retained(format!("t/{i}"), "y")).await.unwrap();
    }
}

#[tokio::test]
async fn acknowledgements_in_another_order_find_their_messages() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.fault(|faults| faults.reverse_acks = Some(8));
    let link = Link::with(broker.addr());
    link.up().await;
    let mut acks = Vec::new();
    for i in 0..4_000 {
        acks.push(link.send(Message::retained(format!("t/{i}"), "x")).await.unwrap());
    }
    for ack in acks {
        ack.acknowledged().await.unwrap();
    }
    assert_eq!(link.up().await.epoch, 1);
}

#[tokio::test]
async fn late_acknowledgements_are_waited_for() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.fault(|faults| faults.delay_acks = Some(Duration::from_millis(300)));
    let link = Link::with(broker.addr());
    link.up().await;
    let mut acks = Vec::new();
    for i in 0..500 {
        acks.push(link.send(Message::retained(format!("t/{i}"), "x")).await.unwrap());
    }
    for ack in acks {
        ack.acknowledged().await.unwrap();
    }
    assert_eq!(link.up().await.epoch, 1);
}

#[tokio::test]
async fn an_mqtt_5_session_hears_that_access_rules_refuse_a_topic() {
    let rules = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(rules.path(), "topic readwrite t/#\ntopic read in/#\n").unwrap();
    let extra = vec![format!("acl_file {}", rules.path().display())];
    let broker = Mosquitto::start(Config { extra, ..Config::default() }).await;
    let link = Link::speaking(broker.addr(), Protocol::V5);
    assert_eq!(link.up().await.protocol, "5");
    link.publish(Message::retained("t/a", "x")).await.unwrap();
    let refused = link.publish(Message::retained("forbidden/a", "x")).await;
    assert_eq!((refused, link.lease().unwrap().untaken()), (Ok(false), 1));
    assert_eq!(link.up().await.epoch, 1);
}

#[tokio::test]
async fn a_3_1_1_session_knows_by_a_short_look_that_access_rules_refuse_a_topic() {
    let rules = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(rules.path(), "topic readwrite t/status\ntopic read in/#\n").unwrap();
    let extra = vec![format!("acl_file {}", rules.path().display())];
    let broker = Mosquitto::start(Config { extra, ..Config::default() }).await;
    let link = Link::with(broker.addr());
    let up = link.up().await;
    assert_eq!(up.protocol, "3.1.1");
    assert_eq!(up.refused_topics, ["t/bridge/trial"]);
}

#[tokio::test]
async fn an_mqtt_5_session_publishes_thousands() {
    let broker = Mosquitto::start(Config::default()).await;
    let link = Link::speaking(broker.addr(), Protocol::V5);
    link.up().await;
    let mut acks = Vec::new();
    for i in 0..3_000 {
        acks.push(link.send(Message::retained(format!("t/{i}"), "x")).await.unwrap());
    }
    for ack in acks {
        ack.acknowledged().await.unwrap();
    }
    assert_eq!(broker.retained("t/#").await.len(), 3_000);
}

#[tokio::test]
async fn a_scan_tells_exactly_what_is_retained_under_its_filter() {
    let broker = Mosquitto::start(Config::default()).await;
    let link = Link::with(broker.addr());
    link.up().await;
    assert!(link.scan("t/none/+").await.unwrap().is_empty());
    let mut acks = Vec::new();
    for i in 0..3_000 {
        acks.push(link.send(Message::retained(format!("t/many/{i}"), "x")).await.unwrap());
    }
    for ack in acks {
        ack.acknowledged().await.unwrap();
    }
    link.publish(Message::retained("t/other/1", "x")).await.unwrap();
    let (found, ()) = tokio::join!(link.scan("t/many/+"), async {
        for i in 0..200 {
            link.publish(Message { topic: format!("t/many/live{i}"), payload: "x".into(), retain: false })
                .await
                .unwrap();
        }
    });
    assert_eq!(found.unwrap().len(), 3_000, "without the live ones");
}
