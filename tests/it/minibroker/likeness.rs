//! The same scenarios on Mosquitto and on the small broker, with the same observations.

use std::net::SocketAddr;
use std::time::Duration;

use camera_herald::demo::broker::{self, Broker};
use rumqttc::mqttbytes::v4::{Connect, LastWill, Packet, PubRel, Publish, Subscribe};
use rumqttc::{ConnectionError, QoS};

use super::guest::{Guest, Raw};
use crate::support::mosquitto::{self, Mosquitto};
use crate::support::watcher::{self, Seen, Watcher};

/// Runs the scenario on both and expects the same of both.
async fn on_both(scenario: impl AsyncFn(SocketAddr) -> Vec<String>, expected: &[&str]) {
    let mosquitto = Mosquitto::start(mosquitto::Config::default()).await;
    assert_eq!(scenario(mosquitto.addr()).await, expected, "on Mosquitto:\n{}", mosquitto.log());
    let broker = Broker::start(broker::Config::default()).expect("loopback has a free port");
    assert_eq!(scenario(broker.addr()).await, expected, "on the small broker");
}

fn line(seen: &Seen) -> String {
    let flag = if seen.retain { " retained" } else { "" };
    format!("{}={}{flag}", seen.topic, seen.text())
}

/// What a watcher has seen, when it has also seen `end`.
async fn lines_up_to_end(watcher: &Watcher) -> Vec<String> {
    let seen = watcher.wait_until(|seen| seen.iter().any(|message| message.topic == "end")).await;
    seen.iter().map(line).filter(|line| !line.starts_with("end=")).collect()
}

fn will(topic: &str, retain: bool) -> LastWill {
    LastWill::new(topic, "offline", QoS::AtLeastOnce, retain)
}

#[tokio::test]
async fn a_new_subscriber_gets_what_is_retained_and_live_messages_without_the_flag() {
    on_both(
        async |addr| {
            let guest = Guest::enter(addr).await;
            for (topic, payload, retain) in [("a/1", "x", true), ("a/2", "y", true), ("a/3", "lost", false)] {
                guest.publish(topic, payload, retain).await;
            }
            let watcher = Watcher::start(addr, &["a/#", "end"], QoS::AtLeastOnce).await;
            for (topic, payload, retain) in [("a/1", "z", true), ("a/2", "", true), ("end", "", false)] {
                guest.publish(topic, payload, retain).await;
            }
            let mut observed = lines_up_to_end(&watcher).await;
            let left = watcher::retained(addr, None, "#").await;
            observed.extend(left.into_keys().map(|topic| format!("left {topic}")));
            observed
        },
        &["a/1=x retained", "a/2=y retained", "a/1=z", "a/2=", "left a/1"],
    )
    .await;
}

#[tokio::test]
async fn wildcards_select_the_same_topics() {
    on_both(
        async |addr| {
            let guest = Guest::enter(addr).await;
            let mut observed = Vec::new();
            for filter in ["#", "+", "a/+", "a/#", "+/b/#", "/+", "a/b", "$x/#", "+/+"] {
                let watcher = Watcher::start(addr, &[filter, "end"], QoS::AtLeastOnce).await;
                for topic in ["a", "a/b", "a/b/c", "/b", "a/", "$x/a", "ü/b"] {
                    guest.send(topic, "", false).await;
                }
                guest.send("end", "", false).await;
                let topics = lines_up_to_end(&watcher).await;
                observed.push(format!("{filter}: {}", topics.join(" ")));
            }
            observed
        },
        &[
            "#: a= a/b= a/b/c= /b= a/= ü/b=",
            "+: a=",
            "a/+: a/b= a/=",
            "a/#: a= a/b= a/b/c= a/=",
            "+/b/#: a/b= a/b/c= /b= ü/b=",
            "/+: /b=",
            "a/b: a/b=",
            "$x/#: $x/a=",
            "+/+: a/b= /b= a/= ü/b=",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_will_is_published_when_a_client_vanishes_and_not_after_its_goodbye() {
    on_both(
        async |addr| {
            let watcher = Watcher::start(addr, &["#"], QoS::AtLeastOnce).await;
            Guest::with_will(addr, will("polite", true)).await.goodbye().await;
            drop(Guest::with_will(addr, will("vanished", true)).await);
            watcher.wait_for(|seen| seen.topic == "vanished").await;
            let left = watcher::retained(addr, None, "#").await;
            let seen = watcher.seen();
            let seen = seen.iter().filter(|seen| !seen.topic.starts_with("sentinel")).map(line);
            seen.chain(left.into_keys().map(|topic| format!("left {topic}"))).collect()
        },
        &["vanished=offline", "left vanished"],
    )
    .await;
}

#[tokio::test]
async fn a_client_that_falls_silent_is_gone_after_one_and_a_half_keep_alives() {
    on_both(
        async |addr| {
            let watcher = Watcher::start(addr, &["#"], QoS::AtLeastOnce).await;
            let mut connect = Connect::new("silent");
            connect.keep_alive = 1;
            connect.last_will = Some(will("silent", false));
            let mut silent = Raw::enter(addr, connect).await;
            let ended = format!("{:?}", silent.receive().await);
            vec![line(&watcher.wait_for(|seen| seen.topic == "silent").await), ended]
        },
        &["silent=offline", "None"],
    )
    .await;
}

#[tokio::test]
async fn a_second_client_with_the_same_id_takes_over() {
    on_both(
        async |addr| {
            let watcher = Watcher::start(addr, &["#"], QoS::AtLeastOnce).await;
            let mut connect = Connect::new("twin");
            connect.last_will = Some(will("first", true));
            let mut first = Raw::enter(addr, connect.clone()).await;
            connect.last_will = Some(will("second", true));
            let mut second = Raw::enter(addr, connect).await;
            let first = format!("first {:?}", first.receive().await);
            let will = watcher.wait_for(|seen| seen.topic == "first").await;
            second.send(Packet::PingReq).await;
            let second = format!("second {:?}", second.receive().await);
            vec![first, line(&will), second, format!("{} seen", watcher.seen().len())]
        },
        &["first None", "first=offline", "second Some(PingResp)", "1 seen"],
    )
    .await;
}

#[tokio::test]
async fn a_message_arrives_once_with_the_lower_of_both_qos() {
    on_both(
        async |addr| {
            let low = Watcher::start(addr, &["a/#", "end"], QoS::AtMostOnce).await;
            let high = Watcher::start(addr, &["a/#", "a/+", "+/b", "end"], QoS::AtLeastOnce).await;
            let guest = Guest::enter(addr).await;
            guest.publish("a/b", "x", false).await;
            guest.publish("end", "", false).await;
            let mut observed = Vec::new();
            for watcher in [low, high] {
                lines_up_to_end(&watcher).await;
                observed.extend(watcher.seen().iter().map(|seen| format!("{} {:?}", line(seen), seen.qos)));
            }
            observed
        },
        &["a/b=x AtMostOnce", "end= AtMostOnce", "a/b=x AtLeastOnce", "end= AtLeastOnce"],
    )
    .await;
}

#[tokio::test]
async fn an_unsubscribed_filter_is_silent_and_a_repeated_one_replays() {
    on_both(
        async |addr| {
            let guest = Guest::enter(addr).await;
            guest.publish("a", "x", true).await;
            let mut client = Raw::enter(addr, Connect::new("curious")).await;
            let mut observed = Vec::new();
            for _ in 0..2 {
                let mut subscribe = Subscribe::new("a", QoS::AtMostOnce);
                subscribe.pkid = 7;
                client.send(Packet::Subscribe(subscribe)).await;
                for _ in 0..2 {
                    observed.push(format!("{:?}", client.receive().await.unwrap()));
                }
            }
            let mut unsubscribe = rumqttc::mqttbytes::v4::Unsubscribe::new("a");
            unsubscribe.pkid = 8;
            client.send(Packet::Unsubscribe(unsubscribe)).await;
            observed.push(format!("{:?}", client.receive().await.unwrap()));
            guest.publish("a", "y", false).await;
            client.send(Packet::PingReq).await;
            observed.push(format!("{:?}", client.receive().await.unwrap()));
            observed
        },
        &[
            "SubAck(SubAck { pkid: 7, return_codes: [Success(AtMostOnce)] })",
            "Publish(Topic = a, Qos = AtMostOnce, Retain = true, Pkid = 0, Payload Size = 1)",
            "SubAck(SubAck { pkid: 7, return_codes: [Success(AtMostOnce)] })",
            "Publish(Topic = a, Qos = AtMostOnce, Retain = true, Pkid = 0, Payload Size = 1)",
            "UnsubAck(UnsubAck { pkid: 8 })",
            "PingResp",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_message_of_qos_2_is_taken_once() {
    on_both(
        async |addr| {
            let watcher = Watcher::start(addr, &["a", "end"], QoS::AtLeastOnce).await;
            let mut client = Raw::enter(addr, Connect::new("thorough")).await;
            let mut observed = Vec::new();
            let mut message = Publish::new("a", QoS::ExactlyOnce, "x");
            message.pkid = 5;
            for dup in [false, true] {
                message.dup = dup;
                client.send(Packet::Publish(message.clone())).await;
                observed.push(format!("{:?}", client.receive().await.unwrap()));
            }
            client.send(Packet::PubRel(PubRel { pkid: 5 })).await;
            observed.push(format!("{:?}", client.receive().await.unwrap()));
            client.send(Packet::Publish(Publish::new("end", QoS::AtMostOnce, ""))).await;
            observed.extend(lines_up_to_end(&watcher).await);
            observed
        },
        &["PubRec(PubRec { pkid: 5 })", "PubRec(PubRec { pkid: 5 })", "PubComp(PubComp { pkid: 5 })", "a=x"],
    )
    .await;
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_cut() {
    on_both(
        async |addr| {
            let mut observed = Vec::new();
            let mut wildcard = Publish::new("a/+", QoS::AtLeastOnce, "x");
            wildcard.pkid = 1;
            let mut filter = Subscribe::new("a#", QoS::AtMostOnce);
            filter.pkid = 1;
            let wrongs = [Packet::Connect(Connect::new("again")), Packet::Publish(wildcard), Packet::Subscribe(filter)];
            for wrong in wrongs {
                let mut client = Raw::enter(addr, Connect::new("wrong")).await;
                client.send(wrong).await;
                observed.push(format!("{:?}", client.receive().await));
            }
            let mut client = Raw::dial(addr).await;
            client.send(Packet::PingReq).await;
            observed.push(format!("{:?}", client.receive().await));
            observed
        },
        &["None", "None", "None", "None"],
    )
    .await;
}

#[tokio::test]
async fn a_subscriber_of_qos_1_loses_what_exceeds_its_queue() {
    on_both(
        async |addr| {
            let guest = Guest::enter(addr).await;
            for number in 0..1_500 {
                guest.send(&format!("a/{number:04}"), "x", true).await;
            }
            guest.wait(|news| news.acks.len() == 1_500).await;
            let watcher = Watcher::start(addr, &["a/#"], QoS::AtLeastOnce).await;
            watcher.wait_until(|seen| seen.len() >= 1_020).await;
            let last = Watcher::start(addr, &["end"], QoS::AtLeastOnce).await;
            guest.publish("a/9999", "", false).await;
            guest.publish("end", "", false).await;
            last.wait_for(|seen| seen.topic == "end").await;
            let seen = watcher.wait_until(|seen| seen.last().is_some_and(|seen| seen.topic == "a/9999")).await;
            let complete = watcher::retained(addr, None, "a/#").await;
            vec![format!("{} by QoS 1", seen.len() - 1), format!("{} by QoS 0", complete.len())]
        },
        &["1020 by QoS 1", "1500 by QoS 0"],
    )
    .await;
}

#[tokio::test]
async fn a_wrong_login_is_refused_with_the_same_code_and_a_changed_one_holds_at_once() {
    async fn knocks(addr: SocketAddr) -> Vec<String> {
        let logins = [None, Some(("herald", "old")), Some(("herald", "new")), Some(("stranger", "old"))];
        let mut answers = Vec::new();
        for login in logins {
            let login = login.map(|(username, password)| (username.to_owned(), password.to_owned()));
            answers.push(match watcher::knock(addr, login).await {
                Ok(()) => "welcome".into(),
                Err(ConnectionError::ConnectionRefused(code)) => format!("{code:?}"),
                Err(error) => format!("{error:?}"),
            });
        }
        answers
    }
    let before = ["NotAuthorized", "welcome", "NotAuthorized", "NotAuthorized"];
    let after = ["NotAuthorized", "NotAuthorized", "welcome", "NotAuthorized"];
    let login = Some(("herald".to_owned(), "old".to_owned()));

    let config = mosquitto::Config { login: login.clone(), ..mosquitto::Config::default() };
    let mut mosquitto = Mosquitto::start(config).await;
    assert_eq!(knocks(mosquitto.addr()).await, before);
    mosquitto.set_password("herald", "new").await;
    assert_eq!(knocks(mosquitto.addr()).await, after);

    let broker = Broker::start(broker::Config { login, ..broker::Config::default() }).unwrap();
    assert_eq!(knocks(broker.addr()).await, before);
    broker.set_password(Some(("herald", "new")));
    assert_eq!(knocks(broker.addr()).await, after);
    broker.set_password(None);
    assert!(watcher::knock(broker.addr(), None).await.is_ok());
}

#[tokio::test]
async fn a_slow_subscriber_does_not_hold_up_the_others() {
    on_both(
        async |addr| {
            let mut slow = Raw::enter(addr, Connect::new("slow")).await;
            let mut subscribe = Subscribe::new("#", QoS::AtMostOnce);
            subscribe.pkid = 1;
            slow.send(Packet::Subscribe(subscribe)).await;
            slow.receive().await;
            let watcher = Watcher::start(addr, &["#"], QoS::AtLeastOnce).await;
            let guest = Guest::enter(addr).await;
            let payload = "x".repeat(100_000);
            for number in 0..200 {
                guest.publish(&number.to_string(), &payload, false).await;
            }
            let seen = watcher.wait_until(|seen| seen.len() == 200).await;
            vec![format!("{}", seen.len()), format!("{}", !slow.hears_nothing_for(Duration::from_secs(5)).await)]
        },
        &["200", "true"],
    )
    .await;
}
