//! Brokers that do not let us in, or not yet.

use std::time::Duration;

use camera_herald::broker::{Message, Timing};
use camera_herald::demo::broker::{self, Broker, ConnectFault};
use camera_herald::options::{BrokerOptions, MqttOptions, Protocol};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rumqttc::mqttbytes::v4::ConnectReturnCode;
use tokio::time::{Instant, sleep};

use crate::support::link::{self, Link, quick, settings};
use crate::support::mosquitto::{Config, Mosquitto, Store, TlsFiles};

#[tokio::test]
async fn every_refusal_has_its_own_cause() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    for (code, kind) in [
        (ConnectReturnCode::BadUserNamePassword, "auth"),
        (ConnectReturnCode::NotAuthorized, "auth"),
        (ConnectReturnCode::BadClientId, "broker_refused"),
        (ConnectReturnCode::ServiceUnavailable, "broker_refused"),
        (ConnectReturnCode::RefusedProtocolVersion, "protocol"),
    ] {
        broker.fault(|faults| faults.connect = ConnectFault::Refuse(code));
        let link = Link::with(broker.addr());
        link.down_because(kind).await;
        broker.heal();
        link.up().await;
    }
}

#[tokio::test]
async fn a_broker_that_accepts_and_says_nothing_times_out_and_is_tried_again() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.fault(|faults| faults.connect = ConnectFault::Silent);
    let timing = Timing { connect: Duration::from_secs(1), ..quick() };
    let link = Link::start(settings(&link::options(broker.addr()), timing));
    link.down_because("timeout").await;
    broker.heal();
    link.up().await;
}

#[tokio::test]
async fn a_broker_that_slams_the_door_is_tried_again() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.fault(|faults| faults.connect = ConnectFault::Slam);
    let link = Link::with(broker.addr());
    link.down_because("broken").await;
    broker.heal();
    let epoch = link.up().await.epoch;
    link.up_after(epoch.saturating_sub(1)).await;
}

#[tokio::test]
async fn a_long_wait_ends_when_the_broker_takes_connections_again() {
    let mut broker = Mosquitto::start(Config::default()).await;
    broker.terminate().await;
    // With these waits the next try by the clock alone would be many minutes away.
    let wait = Duration::from_secs(3_000);
    let timing = Timing { first_wait: wait, longest_wait: wait, ..Timing::default() };
    let link = Link::start(settings(&link::options(broker.addr()), timing));
    link.down_because("refused").await;
    broker.restart(Store::Emptied).await;
    let back = Instant::now();
    link.up().await;
    assert!(back.elapsed() < Duration::from_secs(10), "it waited {:?}", back.elapsed());
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_said() {
    let broker = BrokerOptions { host: "broker.invalid".to_owned(), port: 1883, credentials: None, tls: false };
    let options = MqttOptions { broker: Some(broker), ..MqttOptions::default() };
    let sentence = Link::start(settings(&options, quick())).down_because("dns").await;
    assert!(sentence.contains("broker.invalid"), "{sentence}");
}

#[tokio::test]
async fn a_wrong_password_is_said_and_the_right_one_connects() {
    let login = ("addons".to_owned(), "right".to_owned());
    let broker = Mosquitto::start(Config { login: Some(login), ..Config::default() }).await;
    let wrong = link::with_login(link::options(broker.addr()), "addons", "wrong");
    for protocol in [Protocol::Auto, Protocol::V5] {
        let link = Link::start(settings(&MqttOptions { protocol, ..wrong.clone() }, quick()));
        let sentence = link.down_because("auth").await;
        assert!(!sentence.contains("wrong"), "{sentence}");
    }
    let right = link::with_login(link::options(broker.addr()), "addons", "right");
    Link::start(settings(&right, quick())).up().await;
}

#[tokio::test]
async fn two_copies_with_one_client_id_end_up_side_by_side() {
    let broker = Mosquitto::start(Config::default()).await;
    for protocol in [Protocol::Auto, Protocol::V5] {
        let options = MqttOptions { protocol, ..link::options(broker.addr()) };
        let one = Link::start_as(settings(&options, quick()), "twin");
        let other = Link::start_as(settings(&options, quick()), "twin");
        // Settled: both publish for a while without either losing its epoch.
        let deadline = Instant::now() + Duration::from_secs(25);
        loop {
            let (first, second) = (one.up().await.epoch, other.up().await.epoch);
            sleep(Duration::from_millis(500)).await;
            let quiet = one.up().await.epoch == first && other.up().await.epoch == second;
            if quiet
                && one.publish(Message::retained("t/one", "x")).await.is_ok()
                && other.publish(Message::retained("t/other", "x")).await.is_ok()
            {
                break;
            }
            assert!(Instant::now() < deadline, "they go on throwing each other out");
        }
        one.stop().await;
        other.stop().await;
    }
}

pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: tempfile::TempDir,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, dir }
    }

    pub(super) fn certify(&self, name: &str) -> TlsFiles {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let files = TlsFiles {
            certificate: self.dir.path().join(format!("{name}.pem")),
            key: self.dir.path().join(format!("{name}.key")),
        };
        std::fs::write(&files.certificate, certificate.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }

    pub(super) fn options(&self, broker: std::net::SocketAddr) -> MqttOptions {
        let mut options = link::options(broker);
        options.broker.as_mut().unwrap().tls = true;
        options.broker.as_mut().unwrap().host = "localhost".to_owned();
        options.ca_file = Some(self.dir.path().join("ca.pem"));
        options
    }
}

#[tokio::test]
async fn a_broker_with_tls_is_trusted_by_its_authority_and_name_only() {
    let authority = Authority::new();
    let broker = Mosquitto::start(Config { tls: Some(authority.certify("localhost")), ..Config::default() }).await;
    for protocol in [Protocol::Auto, Protocol::V5] {
        let options = MqttOptions { protocol, ..authority.options(broker.tls_addr()) };
        let link = Link::start(settings(&options, quick()));
        link.up().await;
        let mut acks = Vec::new();
        for i in 0..500 {
            acks.push(link.send(Message::retained(format!("t/{i}"), vec![b'x'; 2_000])).await.unwrap());
        }
        for ack in acks {
            ack.acknowledged().await.unwrap();
        }
        link.stop().await;
    }
    // One of the same name with another key, and those whom the system trusts.
    let stranger = Authority::new();
    let another = stranger.options(broker.tls_addr());
    let systems = MqttOptions { ca_file: None, ..another.clone() };
    for options in [another, systems] {
        let sentence = Link::start(settings(&options, quick())).down_because("tls").await;
        assert!(sentence.contains("set mqtt.ca_file"), "{sentence}");
    }

    let misnamed = Mosquitto::start(Config { tls: Some(authority.certify("elsewhere")), ..Config::default() }).await;
    let sentence = Link::start(settings(&authority.options(misnamed.tls_addr()), quick())).down_because("tls").await;
    assert!(sentence.contains("not valid for name \"localhost\""), "{sentence}");
    let plain = Mosquitto::start(Config::default()).await;
    let timing = Timing { connect: Duration::from_secs(1), ..quick() };
    let sentence = Link::start(settings(&authority.options(plain.addr()), timing)).down_because("tls").await;
    assert!(sentence.contains("does this port speak TLS?"), "{sentence}");
}
