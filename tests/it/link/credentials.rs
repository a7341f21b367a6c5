//! The Supervisor as the source: it is late, away, or tells another password than before.

use std::time::Duration;

use camera_herald::broker::{Message, Settings, Timing};
use camera_herald::options::{MqttOptions, Protocol};
use camera_herald::supervisor::CredentialSource;
use tokio::time::{Instant, sleep};

use crate::support::herald::PATIENCE;
use crate::support::link::{Link, quick};
use crate::support::mosquitto::{Config, Mosquitto, Store};
use crate::support::supervisor::{FakeSupervisor, Scenario};

fn told_by(supervisor: &FakeSupervisor) -> Settings {
    Settings {
        source: CredentialSource::from_options(&MqttOptions::default(), Some(supervisor.client())),
        protocol: Protocol::Auto,
        ca_file: None,
        timing: quick(),
    }
}

fn registered(broker: &Mosquitto, password: &str) -> Scenario {
    Scenario::Registered {
        host: broker.addr().ip().to_string(),
        port: broker.addr().port(),
        username: "addons".to_owned(),
        password: password.to_owned(),
        ssl: false,
    }
}

async fn broker() -> Mosquitto {
    let login = ("addons".to_owned(), "old".to_owned());
    Mosquitto::start(Config { login: Some(login), ..Config::default() }).await
}

#[tokio::test]
async fn a_password_that_changes_while_connected_is_asked_for_again() {
    let mut broker = broker().await;
    let supervisor = FakeSupervisor::start(registered(&broker, "old")).await;
    let link = Link::start(told_by(&supervisor));
    let first = link.up().await.epoch;

    broker.set_password("addons", "new").await;
    let sentence = link.down_because("auth").await;
    assert!(sentence.contains("password"), "{sentence}");
    let asked = supervisor.requests();
    let deadline = Instant::now() + PATIENCE;
    while supervisor.requests() < asked + 3 {
        assert!(Instant::now() < deadline, "the Supervisor is not asked again");
        sleep(quick().longest_wait).await;
    }
    supervisor.set(registered(&broker, "new"));

    assert!(link.up_after(first).await.last_error.unwrap().contains("password"));
    link.publish(Message::retained("t/a", "x")).await.unwrap();
}

#[tokio::test]
async fn what_the_supervisor_lacks_is_said_until_it_has_it() {
    let broker = broker().await;
    let mut supervisor = FakeSupervisor::start(Scenario::NotReady("setup")).await;
    let link = Link::start(told_by(&supervisor));
    link.down_because("not_ready").await;
    supervisor.set(Scenario::NotEnabled);
    link.down_because("service_not_enabled").await;
    supervisor.stop().await;
    link.down_because("unreachable").await;
    supervisor.restart().await;
    supervisor.set(Scenario::ServerError);
    link.down_because("server").await;
    supervisor.set(Scenario::TokenRefused);
    link.down_because("token_refused").await;
    supervisor.set(registered(&broker, "old"));
    link.up().await;
}

#[tokio::test]
async fn known_credentials_serve_while_the_supervisor_is_away() {
    let mut broker = broker().await;
    let mut supervisor = FakeSupervisor::start(registered(&broker, "old")).await;
    let link = Link::start(told_by(&supervisor));
    let first = link.up().await.epoch;

    supervisor.stop().await;
    broker.kill9().await;
    link.down_because("refused").await;
    broker.restart(Store::Emptied).await;

    link.up_after(first).await;
}

#[tokio::test]
async fn a_supervisor_that_hangs_holds_up_no_try_with_known_credentials() {
    let mut broker = broker().await;
    let supervisor = FakeSupervisor::start(registered(&broker, "old")).await;
    let link = Link::start(told_by(&supervisor));
    let first = link.up().await.epoch;

    supervisor.set(Scenario::Slow(Duration::from_secs(60)));
    broker.kill9().await;
    link.down_because("refused").await;
    // It has been asked, and does not answer.
    let asked = supervisor.requests();
    let deadline = Instant::now() + PATIENCE;
    while supervisor.requests() == asked && asked < 2 {
        assert!(Instant::now() < deadline, "the Supervisor is not asked");
        sleep(quick().look).await;
    }
    broker.restart(Store::Emptied).await;
    let back = Instant::now();
    link.up_after(first).await;
    assert!(back.elapsed() < Duration::from_secs(3), "it waited {:?}", back.elapsed());
}

#[tokio::test]
async fn a_new_password_is_tried_as_soon_as_the_supervisor_tells_it() {
    let mut broker = broker().await;
    let supervisor = FakeSupervisor::start(registered(&broker, "old")).await;
    // With these waits the next try by the clock alone would be many minutes away.
    let wait = Duration::from_secs(3_000);
    let timing = Timing { first_wait: wait, longest_wait: wait, ..Timing::default() };
    let link = Link::start(Settings { timing, ..told_by(&supervisor) });
    let first = link.up().await.epoch;
    // After a link that was of use for a second the first try comes soon, whatever the waits.
    sleep(Duration::from_millis(1_200)).await;

    broker.set_password("addons", "new").await;
    link.down_because("auth").await;
    supervisor.set(registered(&broker, "new"));
    let told = Instant::now();
    link.up_after(first).await;
    assert!(told.elapsed() < Duration::from_secs(8), "it waited {:?}", told.elapsed());
}
