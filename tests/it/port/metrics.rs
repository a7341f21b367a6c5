//! `/metrics`: its form, and that its numbers are true.

use std::collections::{BTreeMap, BTreeSet};

use camera_herald::web::port::Access;

use super::support::{HERE, House};
use crate::events::support::{Sender, event, with_door};
use crate::support::herald::{Herald, PATIENCE, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};

/// Name with labels, and number. Checks the form on the way.
pub(crate) fn parse(text: &str) -> BTreeMap<String, f64> {
    let (mut helped, mut types, mut samples) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    assert!(text.ends_with('\n'), "the last line ends");
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(helped.insert(name.to_owned()), "{name} is explained once");
            assert!(words.len() > 10 && !words.contains('\\'), "{line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(matches!(kind, "counter" | "gauge" | "summary"), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            types.insert(name.to_owned(), kind.to_owned());
        } else {
            let (sample, number) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            assert!(name.strip_prefix("camera_herald_").unwrap().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            let family = name.trim_end_matches("_sum").trim_end_matches("_count");
            assert!(helped.contains(family) && types.contains_key(family), "{line}");
            assert!(samples.insert(sample.to_owned(), number.parse().unwrap()).is_none(), "{line} is there once");
        }
    }
    samples
}

#[tokio::test]
async fn the_metrics_have_prometheus_form_and_no_label_of_a_camera() {
    let house = House::open(Access::Loopback).await;
    let answer = house.get(HERE, "/metrics", "").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let samples = parse(body);
    assert!(samples.len() > 30, "{samples:?}");
    let labels: BTreeSet<&str> =
        samples.keys().filter_map(|sample| Some(sample.split_once('{')?.1.split_once('=')?.0)).collect();
    assert_eq!(labels, ["part", "reason", "state", "status", "version"].into());
    house.stop().await;
}

#[tokio::test]
async fn the_numbers_follow_what_happens() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let page = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (mut setup, door) = with_door(Setup::with_broker(broker.addr(), push_cameras(2)));
    setup.environment.push(("HERALD_INGRESS_LISTEN".to_owned(), page.to_string()));
    let herald = Herald::start(setup).await;
    herald.says("Announced to Home Assistant", 1).await;
    let sender = Sender::new(herald.dir().path(), door).await;
    for id in ["a", "b", "b"] {
        sender.insist("cam_0", &event(id)).await;
    }
    assert_eq!(sender.insist("nobody", &event("c")).await, 404);
    let client = crate::door::support::client();
    let read = async || {
        let text = client.get(format!("http://{page}/metrics")).send().await.unwrap().text().await.unwrap();
        parse(&text)
    };
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let samples = loop {
        let samples = read().await;
        if samples["camera_herald_events_delivered_total"] == 2.0 {
            break samples;
        }
        assert!(tokio::time::Instant::now() < deadline, "{samples:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    for (name, number) in [
        ("events_accepted_total", 2.0),
        ("events_duplicate_total", 1.0),
        ("events_refused_total{status=\"404\"}", 1.0),
        ("events_refused_total{status=\"401\"}", 0.0),
        ("outbox_events", 0.0),
        ("outbox_bytes", 0.0),
        ("cameras{status=\"unknown\"}", 2.0),
        ("cameras{status=\"online\"}", 0.0),
        ("chain_up{part=\"broker\"}", 1.0),
        ("broker_connections_total", 1.0),
    ] {
        assert_eq!(samples[&format!("camera_herald_{name}")], number, "{name}");
    }
    assert!(samples["camera_herald_announcements_total"] >= 1.0);
    assert!(samples["camera_herald_resident_memory_bytes"] > 1e6);
    assert!(!samples.contains_key("camera_herald_chain_up{part=\"supervisor\"}"), "it is not used");

    broker.kill9().await;
    herald.says("Waiting for the broker", 1).await;
    sender.insist("cam_1", &event("d")).await;
    let samples = read().await;
    assert_eq!(samples["camera_herald_chain_up{part=\"broker\"}"], 0.0);
    assert_eq!(samples["camera_herald_broker_connections_total"], 1.0, "a lost link was still one");
    assert_eq!(samples["camera_herald_outbox_events"], 1.0);
    assert!(samples["camera_herald_outbox_bytes"] > 100.0);
}
