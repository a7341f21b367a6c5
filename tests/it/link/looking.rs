//! Looks at what the broker holds, and at what it allows, when that is not as usual.

use std::collections::BTreeSet;
use std::net::{Ipv6Addr, TcpListener};
use std::time::Duration;

use camera_herald::broker::{Message, Timing};
use camera_herald::demo::broker::{self, Broker};
use tokio::time::timeout;

use crate::support::herald::PATIENCE;
use crate::support::link::{self, Link, quick, settings};
use crate::support::mosquitto::{Config, Mosquitto, Store};

fn rules(text: &str) -> (tempfile::NamedTempFile, Config) {
    let rules = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(rules.path(), text).unwrap();
    let extra = vec![format!("acl_file {}", rules.path().display())];
    (rules, Config { extra, ..Config::default() })
}

#[tokio::test]
async fn a_scan_ends_also_when_the_broker_does_not_send_its_mark_back() {
    let (_rules, config) = rules("topic readwrite t/+\ntopic read in/#\n");
    let broker = Mosquitto::start(config).await;
    let timing = Timing { acknowledge: Duration::from_secs(2), ..quick() };
    let link = Link::start(settings(&link::options(broker.addr()), timing));
    link.up().await;
    link.publish(Message::retained("t/a", "x")).await.unwrap();
    let found = timeout(PATIENCE, link.scan("t/+")).await.expect("it ends").unwrap();
    assert_eq!(found, BTreeSet::from(["t/a".to_owned()]));
    assert_eq!(link.up().await.epoch, 1);
}

#[tokio::test]
async fn a_scan_whose_mark_was_dropped_marks_again() {
    let broker = Broker::start(broker::Config { max_queued: 5, max_inflight: 2, ..broker::Config::default() }).unwrap();
    let link = Link::with(broker.addr());
    link.up().await;
    // Large enough that the connection does not take them at once, so that the queue behind it overflows.
    for i in 0..40 {
        broker.publish(&format!("t/many/{i}"), vec![b'x'; 1_000_000], true);
    }
    let found = timeout(PATIENCE, link.scan("t/many/+")).await.expect("it ends").unwrap();
    assert!(broker.dropped() > 0 && !found.is_empty(), "{} found, {} dropped", found.len(), broker.dropped());
}

#[tokio::test]
async fn two_scans_at_one_time_both_see_everything() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    let link = Link::with(broker.addr());
    link.up().await;
    for i in 0..500 {
        broker.publish(&format!("t/many/{i}"), "x", true);
    }
    let (one, other) = tokio::join!(link.scan("t/many/+"), link.scan("t/many/#"));
    assert_eq!((one.unwrap().len(), other.unwrap().len()), (500, 500));
    let (one, other) = tokio::join!(link.scan("t/many/+"), link.scan("t/many/+"));
    assert_eq!((one.unwrap().len(), other.unwrap().len()), (500, 500));
}

#[tokio::test]
async fn a_scan_of_our_own_subscription_leaves_it_in_place() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    let link = Link::with(broker.addr());
    link.up().await;
    // Behind the SUBSCRIBE that went out before.
    link.publish(Message::retained("t/a", "x")).await.unwrap();
    broker.publish("in/kept", "x", true);
    assert_eq!(link.scan("in/#").await.unwrap(), BTreeSet::from(["in/kept".to_owned()]));
    // Behind whatever the scan sent at its end.
    link.publish(Message::retained("t/b", "x")).await.unwrap();
    broker.publish("in/news", "x", false);
    let mut heard = Vec::new();
    while !heard.contains(&("in/news".to_owned(), 1)) {
        let news = timeout(PATIENCE, link.inbox.next()).await.expect("the news come");
        heard.extend(news.into_iter().map(|incoming| (incoming.topic, incoming.times)));
    }
    // Once as news; the scan's replay is none.
    assert_eq!(heard, [("in/kept".to_owned(), 1), ("in/news".to_owned(), 1)]);
}

#[tokio::test]
async fn access_rules_that_were_mended_are_seen_after_the_brokers_restart() {
    let (file, config) = rules("topic readwrite t/status\ntopic read in/#\n");
    let mut broker = Mosquitto::start(config).await;
    let link = Link::with(broker.addr());
    let up = link.up().await;
    assert_eq!(up.refused_topics, ["t/bridge/trial"]);
    std::fs::write(file.path(), "topic readwrite t/#\ntopic read in/#\n").unwrap();
    broker.terminate().await;
    link.down_because("refused").await;
    broker.restart(Store::Emptied).await;
    assert!(link.up_after(up.epoch).await.refused_topics.is_empty());
}

#[tokio::test]
async fn a_broker_on_an_ipv6_address_is_reached() {
    let Ok(port) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()) else {
        eprintln!("skipped: this machine has no IPv6 loopback");
        return;
    };
    let extra = vec![format!("listener {} ::1", port.port())];
    let broker = Mosquitto::start(Config { extra, ..Config::default() }).await;
    let link = Link::with(port);
    let up = link.up().await;
    assert_eq!(up.broker, format!("[::1]:{}", port.port()));
    link.publish(Message::retained("t/a", "x")).await.unwrap();
    assert_eq!(broker.retained("t/a").await["t/a"], b"x");
}
