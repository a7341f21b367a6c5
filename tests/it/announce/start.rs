//! After a fresh start, and what it waits for before.

use camera_herald::demo::broker::{self, Broker};
use serde_json::{Value, json};

use crate::support::expected::{assert_on, push_camera_ids, topics};
use crate::support::herald::{Herald, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto, Store};
use crate::support::supervisor::{FakeSupervisor, Scenario};

#[tokio::test]
async fn a_fresh_start_leaves_exactly_the_expected_topics() {
    let broker = Mosquitto::start(Config::default()).await;
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.says("Announced to Home Assistant", 1).await;

    let retained = assert_on(&broker, &topics("camera_herald", &push_camera_ids(2))).await;
    assert_eq!(retained["camera_herald/status"], b"online");
    assert_eq!(retained["camera_herald/camera/cam_0/availability"], b"online");
    let status: Value = serde_json::from_slice(&retained["camera_herald/camera/cam_0/status"]).unwrap();
    assert_eq!(status["status"], json!("unknown"));
    let bridge: Value = serde_json::from_slice(&retained["camera_herald/bridge/state"]).unwrap();
    assert_eq!(bridge["cameras"], json!({ "total": 2, "online": 0 }));
}

#[tokio::test]
async fn online_is_the_last_thing_said_and_the_bridge_the_first() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.record(true);
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(10))).await;
    herald.says("Announced to Home Assistant", 1).await;

    let said: Vec<_> = broker.log().into_iter().filter(|message| message.retain).collect();
    assert_eq!(said.first().unwrap().topic, "homeassistant/device/camera_herald-bridge/config");
    let online = said.iter().position(|message| message.topic == "camera_herald/status").unwrap();
    let expected = topics("camera_herald", &push_camera_ids(10));
    let before: std::collections::BTreeSet<_> = said[..=online].iter().map(|message| message.topic.clone()).collect();
    assert_eq!(before, expected, "everything is said before online");
    let last_config = said.iter().rposition(|message| message.topic.ends_with("/config")).unwrap();
    let first_state = said.iter().position(|message| message.topic.starts_with("camera_herald/")).unwrap();
    let last_state = said.iter().rposition(|message| message.topic.ends_with("/activity")).unwrap();
    let first_availability = said.iter().position(|message| message.topic.ends_with("/availability")).unwrap();
    assert!(last_config < first_state && last_state < first_availability);
}

#[tokio::test]
async fn it_waits_for_supervisor_service_and_broker_and_says_each_once() {
    let mut broker =
        Mosquitto::start(Config { login: Some(("addons".into(), "first".into())), ..Config::default() }).await;
    let address = broker.addr();
    broker.terminate().await;
    let supervisor = FakeSupervisor::start(Scenario::NotReady("setup")).await;
    let token = secrecy::ExposeSecret::expose_secret(&supervisor.token()).to_owned();
    let mut herald = Herald::start(Setup::with_supervisor(supervisor.url().as_str(), &token, push_cameras(2))).await;
    herald.says("Still waiting for the broker", 2).await;
    assert_eq!(herald.count(" WARN Waiting for the broker"), 1, "{}", herald.log());

    supervisor.set(Scenario::NotEnabled);
    herald.says(" WARN Waiting for the broker", 2).await;
    herald.says("Still waiting for the broker", 4).await;
    assert_eq!(herald.count(" WARN Waiting for the broker"), 2, "{}", herald.log());

    supervisor.set(Scenario::Registered {
        host: address.ip().to_string(),
        port: address.port(),
        username: "addons".to_owned(),
        password: "first".to_owned(),
        ssl: false,
    });
    herald.says(" WARN Waiting for the broker", 3).await;
    broker.restart(Store::Emptied).await;
    herald.says("Announced to Home Assistant", 1).await;
    assert_on(&broker, &topics("camera_herald", &push_camera_ids(2))).await;
    assert!(herald.is_running());
    assert!(!herald.log().contains("first") && !herald.log().contains(&token), "a secret is in the log");
}

#[tokio::test]
async fn a_changed_password_is_asked_for_and_used() {
    let login = ("addons".to_owned(), "first".to_owned());
    let mut broker = Mosquitto::start(Config { login: Some(login), ..Config::default() }).await;
    let registered = |password: &str| Scenario::Registered {
        host: broker.addr().ip().to_string(),
        port: broker.addr().port(),
        username: "addons".to_owned(),
        password: password.to_owned(),
        ssl: false,
    };
    let supervisor = FakeSupervisor::start(registered("first")).await;
    let second = registered("second");
    let token = secrecy::ExposeSecret::expose_secret(&supervisor.token()).to_owned();
    let herald = Herald::start(Setup::with_supervisor(supervisor.url().as_str(), &token, push_cameras(2))).await;
    herald.says("Announced to Home Assistant", 1).await;

    broker.set_password("addons", "second").await;
    broker.restart(Store::Emptied).await;
    herald.says("cause=\"auth\"", 1).await;
    supervisor.set(second);
    herald.says("Announced to Home Assistant", 2).await;
    assert_on(&broker, &topics("camera_herald", &push_camera_ids(2))).await;
}

#[tokio::test]
async fn a_check_before_the_first_start_shows_no_token_that_nobody_keeps() {
    let broker = Mosquitto::start(Config::default()).await;
    let dir = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let setup = Setup::with_broker(broker.addr(), push_cameras(1));
    let (code, text) = Herald::once(dir.path(), &setup, &["check"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("event token: none yet"), "{text}");
    let herald = Herald::start_in(dir.clone(), setup.clone()).await;
    herald.says("Announced to Home Assistant", 1).await;
    let kept = std::fs::read_to_string(dir.path().join("event_token")).unwrap();
    let (_, text) = Herald::once(dir.path(), &setup, &["check"]).await;
    assert!(text.contains(&format!("event token: {}", kept.trim())), "it shows the one that counts");
}

#[tokio::test]
async fn wrong_options_are_all_named_and_the_exit_code_is_2() {
    let broker = Mosquitto::start(Config::default()).await;
    let cameras = json!([{ "name": "A", "check_seconds": 2 }, { "name": "A" }, { "stream": "http://u:hidden@x/" }]);
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), cameras)).await;
    assert_eq!(herald.ended().await, Some(2));
    let (code, text) = Herald::once(herald.dir().path(), &herald.setup(), &["check"]).await;
    assert_eq!(code, Some(2));
    for path in ["cameras[0].check_seconds", "cameras[1]", "cameras[2].name", "cameras[2].stream"] {
        assert!(text.contains(path), "{path} is not named in\n{text}");
    }
    assert!(!text.contains("hidden"), "a secret is in\n{text}");
}
