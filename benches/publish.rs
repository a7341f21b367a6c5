//! Acknowledged publishes a second through the session, beside the broker's own limit, in one run.
//!
//! `cargo bench --bench publish`. The limit is a raw socket with packets encoded beforehand and a window of the same size.

#[path = "../tests/it/support/mod.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests use the rest, and fail by panicking")]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use camera_herald::broker::{Message, Timing};
use camera_herald::options::Protocol;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Connect, Publish};
use support::link::{self, Link, settings};
use support::mosquitto::{Config, Mosquitto};

const MESSAGES: usize = 20_000;
const BYTES: usize = 600;
const WINDOW: usize = 200;
const ROUNDS: usize = 5;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let broker = Mosquitto::start(Config::default()).await;
        let (mut raw, mut ours, mut five) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let address = broker.addr();
            raw.push(tokio::task::spawn_blocking(move || publish_raw(address)).await.expect("it does not panic"));
            ours.push(publish(address, Protocol::V311).await);
            five.push(publish(address, Protocol::V5).await);
        }
        let (raw, ours, five) = (rate(raw), rate(ours), rate(five));
        say(&format!("{MESSAGES} x {BYTES} B, retained, QoS 1, median of {ROUNDS}:"));
        say(&format!("  the broker's limit, raw socket: {raw:>7.0}/s"));
        say(&format!("  session, MQTT 3.1.1:            {ours:>7.0}/s  {:.0} % of it", 100.0 * ours / raw));
        say(&format!("  session, MQTT 5:                {five:>7.0}/s  {:.0} % of it", 100.0 * five / raw));
    });
}

async fn publish(broker: SocketAddr, protocol: Protocol) -> Duration {
    let options = camera_herald::options::MqttOptions { protocol, ..link::options(broker) };
    let link = Link::start(settings(&options, Timing::default()));
    link.up().await;
    let payload = bytes::Bytes::from(vec![b'x'; BYTES]);
    let began = Instant::now();
    let mut acks = Vec::with_capacity(MESSAGES);
    for i in 0..MESSAGES {
        let message = Message { topic: format!("t/{i}"), payload: payload.clone(), retain: true };
        acks.push(link.send(message).await.expect("the link is up"));
    }
    for ack in acks {
        ack.acknowledged().await.expect("the link is up");
    }
    let took = began.elapsed();
    link.stop().await;
    took
}

/// Everything is encoded before the clock starts; the writer stays at most a window ahead of the acknowledgements.
fn publish_raw(broker: SocketAddr) -> Duration {
    let packets: Vec<BytesMut> = (0..MESSAGES)
        .map(|i| {
            let mut publish = Publish::new(format!("t/{i}"), QoS::AtLeastOnce, vec![b'x'; BYTES]);
            publish.retain = true;
            publish.pkid = u16::try_from(i % 60_000 + 1).expect("it fits");
            let mut packet = BytesMut::new();
            publish.write(&mut packet).expect("it fits");
            packet
        })
        .collect();
    let mut socket = TcpStream::connect(broker).expect("the broker is up");
    socket.set_nodelay(true).expect("a socket");
    let mut hello = BytesMut::new();
    Connect::new("raw").write(&mut hello).expect("it fits");
    socket.write_all(&hello).expect("the broker is up");
    let mut buffer = [0; 65_536];
    socket.read_exact(&mut buffer[..4]).expect("a CONNACK");
    let began = Instant::now();
    let (mut sent, mut bytes_back) = (0, 0);
    while bytes_back < MESSAGES * 4 {
        let until = (bytes_back / 4 + WINDOW).min(MESSAGES);
        if sent < until {
            let burst: Vec<u8> = packets[sent..until].iter().flat_map(|packet| packet.iter().copied()).collect();
            socket.write_all(&burst).expect("the broker is up");
            sent = until;
        }
        bytes_back += socket.read(&mut buffer).expect("acknowledgements");
    }
    began.elapsed()
}

fn rate(mut times: Vec<Duration>) -> f64 {
    times.sort();
    MESSAGES as f64 / times[times.len() / 2].as_secs_f64()
}

fn say(line: &str) {
    let _nobody_reads = writeln!(std::io::stdout(), "{line}");
}
