//! Each fault alone, on the wire.

use std::time::Duration;

use camera_herald::demo::broker::{Broker, Config, ConnectFault, Cut, Faults};
use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, Packet, Publish};
use rumqttc::{ConnectionError, QoS};
use tokio::time::Instant;

use super::guest::{Guest, Raw};
use crate::support::watcher::{self, Watcher};

/// Long enough to tell silence from slowness on loopback.
const A_WHILE: Duration = Duration::from_millis(200);

fn broker_with(faults: Faults) -> Broker {
    let broker = Broker::start(Config::default()).expect("loopback has a free port");
    broker.fault(|current| *current = faults);
    broker
}

fn message(pkid: u16) -> Packet {
    let mut message = Publish::new(format!("t/{pkid}"), QoS::AtLeastOnce, "x");
    message.pkid = pkid;
    message.retain = true;
    Packet::Publish(message)
}

async fn puback(client: &mut Raw) -> u16 {
    match client.receive().await {
        Some(Packet::PubAck(ack)) => ack.pkid,
        other => panic!("no PUBACK, but {other:?}"),
    }
}

#[tokio::test]
async fn every_nth_puback_is_swallowed_and_its_message_kept() {
    let broker = broker_with(Faults { swallow_puback_every: Some(3), ..Faults::default() });
    let mut client = Raw::enter(broker.addr(), Connect::new("c")).await;
    for pkid in 1..=7 {
        client.send(message(pkid)).await;
    }
    for expected in [1, 2, 4, 5, 7] {
        assert_eq!(puback(&mut client).await, expected);
    }
    assert_eq!(broker.retained().len(), 7);
}

#[tokio::test]
async fn acks_come_late_while_the_fault_is_on() {
    let broker = broker_with(Faults { delay_acks: Some(A_WHILE), ..Faults::default() });
    let mut client = Raw::enter(broker.addr(), Connect::new("c")).await;
    let sent = Instant::now();
    client.send(message(1)).await;
    client.send(message(2)).await;
    assert_eq!((puback(&mut client).await, puback(&mut client).await), (1, 2));
    assert!(sent.elapsed() >= A_WHILE);
    broker.heal();
    let sent = Instant::now();
    client.send(message(3)).await;
    assert_eq!(puback(&mut client).await, 3);
    assert!(sent.elapsed() < A_WHILE);
}

#[tokio::test]
async fn acks_come_backwards_in_groups_and_a_real_client_gets_them_all() {
    let broker = broker_with(Faults { reverse_acks: Some(3), ..Faults::default() });
    let guest = Guest::enter(broker.addr()).await;
    for number in 0..500 {
        guest.send(&format!("t/{number}"), "x", true).await;
    }
    let acks = guest.wait(|news| news.acks.len() == 500).await.acks;
    assert_eq!(acks[..3], [3, 2, 1]);
}

#[tokio::test]
async fn a_stalled_broker_keeps_connections_open_and_goes_on_where_it_was() {
    let broker = Broker::start(Config::default()).unwrap();
    let mut client = Raw::enter(broker.addr(), Connect::new("c")).await;
    broker.fault(|faults| faults.stalled = true);
    client.send(message(1)).await;
    let mut late = Raw::dial(broker.addr()).await;
    late.send(Packet::Connect(Connect::new("late"))).await;
    assert!(client.hears_nothing_for(A_WHILE).await);
    assert!(late.hears_nothing_for(A_WHILE).await);
    assert_eq!(broker.published(), 0);
    broker.heal();
    assert_eq!(puback(&mut client).await, 1);
    assert!(matches!(late.receive().await, Some(Packet::ConnAck(_))));
}

#[tokio::test]
async fn connect_is_answered_as_wrongly_as_asked() {
    let broker = Broker::start(Config::default()).unwrap();
    let knock = || watcher::knock(broker.addr(), None);

    broker.fault(|faults| faults.connect = ConnectFault::Refuse(ConnectReturnCode::ServiceUnavailable));
    let refusal = knock().await;
    assert!(matches!(refusal, Err(ConnectionError::ConnectionRefused(ConnectReturnCode::ServiceUnavailable))));

    broker.fault(|faults| faults.connect = ConnectFault::Slam);
    let mut client = Raw::enter(broker.addr(), Connect::new("slammed")).await;
    assert_eq!(client.receive().await, None);

    broker.fault(|faults| faults.connect = ConnectFault::Silent);
    let mut client = Raw::dial(broker.addr()).await;
    client.send(Packet::Connect(Connect::new("ignored"))).await;
    assert!(client.hears_nothing_for(A_WHILE).await);

    broker.heal();
    assert!(knock().await.is_ok());
    let codes: Vec<_> = broker.sessions().into_iter().map(|session| session.code).collect();
    let success = Some(ConnectReturnCode::Success);
    assert_eq!(codes, [Some(ConnectReturnCode::ServiceUnavailable), success, None, success]);
}

#[tokio::test]
async fn a_connection_is_cut_after_its_nth_publish_once_or_each_time() {
    let broker = broker_with(Faults { cut: Some(Cut { after: 3, repeat: true }), ..Faults::default() });
    for round in 0..2 {
        let guest = Guest::enter(broker.addr()).await;
        for number in 0..5 {
            guest.send(&format!("t/{round}/{number}"), "x", true).await;
        }
        let news = guest.wait(|news| news.ended).await;
        assert!(news.acks.len() < 3, "the last one is kept, but not acknowledged");
        assert_eq!(broker.retained().len(), 3 * (round + 1));
    }
    broker.fault(|faults| faults.cut = Some(Cut { after: 1, repeat: false }));
    let guest = Guest::enter(broker.addr()).await;
    guest.send("once", "x", false).await;
    guest.wait(|news| news.ended).await;
    let guest = Guest::enter(broker.addr()).await;
    guest.publish("twice", "x", false).await;
    assert!(!guest.news().ended);
}

#[tokio::test]
async fn a_slow_reader_takes_its_time() {
    let broker = broker_with(Faults { read_bytes_per_second: Some(20_000), ..Faults::default() });
    let guest = Guest::enter(broker.addr()).await;
    let begun = Instant::now();
    guest.publish("t", &"x".repeat(10_000), false).await;
    let taken = begun.elapsed();
    assert!(taken > Duration::from_millis(300) && taken < Duration::from_secs(5), "{taken:?}");
}

#[tokio::test]
async fn a_packet_above_the_limit_ends_the_connection() {
    let broker = Broker::start(Config { max_packet_size: 1_000, ..Config::default() }).unwrap();
    let guest = Guest::enter(broker.addr()).await;
    guest.publish("t", &"x".repeat(900), true).await;
    guest.send("t", &"x".repeat(1_100), true).await;
    guest.wait(|news| news.ended).await;
    assert_eq!(broker.retained()["t"].len(), 900);
}

#[tokio::test]
async fn a_client_of_another_protocol_is_told_so() {
    let broker = Broker::start(Config::default()).unwrap();
    let mut client = Raw::dial(broker.addr()).await;
    client.send_bytes(b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x05\x00\x00\x00").await;
    let Some(Packet::ConnAck(answer)) = client.receive().await else { panic!("no CONNACK") };
    assert_eq!(answer.code, ConnectReturnCode::RefusedProtocolVersion);
    assert_eq!(client.receive().await, None);
    assert_eq!(broker.sessions()[0].protocol_level, 5);
}

#[tokio::test]
async fn a_retained_message_larger_than_a_client_bears_is_sent_all_the_same() {
    let broker = Broker::start(Config::default()).unwrap();
    broker.publish("big", vec![b'x'; 1_500_000], true);
    let watcher = Watcher::start(broker.addr(), &["big"], QoS::AtLeastOnce).await;
    assert_eq!(watcher.wait_for(|seen| seen.topic == "big").await.payload.len(), 1_500_000);
}
