//! What the session says: once per change of state, and what probably stands behind it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use camera_herald::demo::broker::{self, Broker, ConnectFault};
use camera_herald::options::{MqttOptions, Protocol};
use rumqttc::mqttbytes::v4::ConnectReturnCode;
use tokio::time::{Instant, sleep};

use crate::support::herald::PATIENCE;
use crate::support::link::{self, Link, quick, settings};
use crate::support::mosquitto::{Config, Mosquitto};

/// The log of what happens on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn count(&self, text: &str) -> usize {
        String::from_utf8_lossy(&self.0.lock().unwrap()).matches(text).count()
    }

    async fn says(&self, text: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.count(text) < times {
            assert!(Instant::now() < deadline, "never said {text:?} {times} times");
            sleep(quick().look).await;
        }
    }
}

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn each_state_is_logged_once_and_not_at_every_try() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || sink.clone())
        .finish();
    // With one subscriber only, tracing believes of each place in the code what the first thread there wants.
    let _second = tracing::Dispatch::new(tracing_subscriber::fmt().with_writer(io::sink).finish());
    let _until_the_end = tracing::subscriber::set_default(subscriber);
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.close().await;
    let link = Link::with(broker.addr());

    log.says("Still waiting for the broker", 10).await;
    assert_eq!(log.count("Waiting for the broker"), 1);

    broker.fault(|faults| faults.connect = ConnectFault::Refuse(ConnectReturnCode::NotAuthorized));
    broker.open().await.unwrap();
    link.down_because("auth").await;
    let before = log.count("Still waiting for the broker");
    log.says("Still waiting for the broker", before + 10).await;
    assert_eq!(log.count("Waiting for the broker"), 2);

    broker.heal();
    link.up().await;
    assert_eq!((log.count("Waiting for the broker"), log.count("Connected to the broker")), (2, 1));
}

#[tokio::test]
async fn a_second_copy_with_our_client_id_is_named_as_the_reason() {
    let broker = Mosquitto::start(Config::default()).await;
    for protocol in [Protocol::V311, Protocol::V5] {
        let options = MqttOptions { protocol, ..link::options(broker.addr()) };
        let twins = [(); 2].map(|()| Link::start_as(settings(&options, quick()), "twin"));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut reasons = Vec::new();
            for twin in &twins {
                reasons.extend(twin.up().await.last_error);
            }
            if reasons.iter().any(|reason| reason.contains("two copies")) {
                break;
            }
            assert!(Instant::now() < deadline, "{protocol:?}: {reasons:?}");
            sleep(quick().look).await;
        }
    }
}
