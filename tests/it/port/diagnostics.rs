//! The diagnostics file: complete, and without any secret.

use std::time::Duration;

use camera_herald::camera::{Camera, CameraId, Failure, LastProbe, LastProbes, Reason};
use camera_herald::credentials::Credentials;
use camera_herald::options::{BrokerOptions, MqttOptions, Options};
use camera_herald::web::port::Access;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::support::{House, PROXY, TOKEN, options};
use crate::support::camera::push_camera;
use crate::support::expected::{push_camera_ids, topics};
use crate::support::herald::{Herald, PATIENCE, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};
use crate::support::publish;
use crate::support::supervisor::{FakeSupervisor, Scenario};

/// Every place that can hold a secret holds one of these.
const PLANTED: [&str; 7] = [
    "planted-mqtt-user",
    "planted-mqtt-password",
    "planted-camera-user",
    "planted-camera-password",
    "planted-query",
    "planted-path",
    TOKEN,
];

fn planted() -> Options {
    let login = |kind: &str| Credentials {
        username: format!("planted-{kind}-user"),
        password: format!("planted-{kind}-password").into(),
    };
    let camera = Camera {
        stream: Some(
            "rtsp://planted-camera-user:planted-camera-password@10.0.0.5/h264?pwd=planted-query".parse().unwrap(),
        ),
        snapshot: Some("http://10.0.0.5/user=x_password=planted-path/snap.jpg#planted-query".parse().unwrap()),
        credentials: Some(login("camera")),
        ..push_camera("front")
    };
    let broker =
        BrokerOptions { host: "broker.lan".to_owned(), port: 1883, credentials: Some(login("mqtt")), tls: false };
    Options { cameras: vec![camera], mqtt: MqttOptions { broker: Some(broker), ..MqttOptions::default() }, ..options() }
}

#[tokio::test]
async fn no_planted_secret_is_in_anything_that_is_shown() {
    let supervisor = FakeSupervisor::start(Scenario::registered()).await;
    let house = House::with(Access::Proxy(PROXY), planted(), Some(supervisor.client())).await;
    let failure = Failure { reason: Reason::Refused, detail: "Nothing listens on 10.0.0.5:554".to_owned() };
    let probe = LastProbe { at: Timestamp::now(), outcome: Err(failure) };
    house.probes.send_replace(LastProbes::from([(CameraId::new("front").unwrap(), probe)]));
    let mut told = house.feeds.surroundings.clone();
    told.wait_for(|told| told.system.is_some()).await.unwrap();

    let mut secrets = PLANTED.map(str::to_owned).to_vec();
    secrets.push(supervisor.token().expose_secret().to_owned());
    for path in ["/diagnostics.json", "/metrics", "/readyz", "/healthz", "/", "/cameras/front", "/live"] {
        let answer = if path == "/live" { String::new() } else { house.get(PROXY, path, "").await };
        for secret in &secrets {
            // The page shows the token on purpose, as part of the camera's address for events.
            if secret != TOKEN || !path.starts_with("/cameras/") {
                assert!(!answer.contains(secret.as_str()), "{secret} is in {path}");
            }
        }
    }
    let file = house.get(PROXY, "/diagnostics.json", "").await;
    let (head, body) = file.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-disposition: attachment; filename=\"camera-herald-diagnostics.json\""), "{head}");
    let file: Value = serde_json::from_str(body).unwrap();
    assert_eq!(file["versions"]["supervisor"], "2026.08.0");
    assert_eq!(file["versions"]["home_assistant"], "2026.8.3");
    let camera = &file["options"]["cameras"][0];
    assert_eq!(camera["stream"], "rtsp://10.0.0.5 (path of 1 segment)");
    assert_eq!((&camera["login"], &file["options"]["mqtt"]["broker"]["login"]), (&json!("set"), &json!("set")));
    assert_eq!(file["cameras"][0]["last_probe"]["reason"], "refused");
    house.stop().await;
}

async fn download(page: std::net::SocketAddr) -> Value {
    crate::door::support::client()
        .get(format!("http://{page}/diagnostics.json"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

#[tokio::test]
async fn the_file_of_the_running_program_tells_link_topics_and_cameras_also_when_the_broker_is_away() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let page = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut setup = Setup::with_broker(broker.addr(), push_cameras(2));
    setup.environment.push(("HERALD_INGRESS_LISTEN".to_owned(), page.to_string()));
    let mut herald = Herald::start(setup).await;
    herald.says("Looked for leftovers", 1).await;
    publish(broker.addr(), "camera_herald/camera/long_gone/status", "theirs").await;

    let file = download(page).await;
    assert_eq!(file["link"]["now"]["up"], true);
    assert_eq!(file["announcement"]["cameras"], 2);
    assert_eq!(file["retained_topics"]["from"], "the broker");
    assert_eq!(file["retained_topics"]["ghosts"], json!(["camera_herald/camera/long_gone/status"]));
    let mut wanted: std::collections::BTreeSet<String> = topics("camera_herald", &push_camera_ids(2));
    wanted.remove("camera_herald/status");
    assert_eq!(file["retained_topics"]["wanted"], json!(wanted));

    herald.reload(|options| options["cameras"] = push_cameras(3));
    herald.says("Announced to Home Assistant", 2).await;
    let file = download(page).await;
    assert_eq!(file["options"]["cameras"].as_array().unwrap().len(), 3, "the options were read again");
    assert_eq!(file["cameras"][2]["status"], "unknown");

    // Another broker: the chain begins anew, and so does the page's port.
    let other = Mosquitto::start(Config::default()).await;
    herald.reload(|options| options["mqtt"]["port"] = json!(other.addr().port()));
    herald.says("Announced to Home Assistant", 3).await;
    broker.terminate().await;
    let file = download(page).await;
    assert_eq!(file["chain"][2]["detail"], format!("{}, MQTT 3.1.1", other.addr()));
    let mut broker = other;

    broker.kill9().await;
    herald.says("Waiting for the broker", 1).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let file = download(page).await;
        let history = file["link"]["history"].as_array().unwrap();
        if file["link"]["now"]["up"] == false && history.last().is_some_and(|last| last["cause"].is_string()) {
            assert_eq!(file["retained_topics"]["from"], "the ledger");
            assert!(file["retained_topics"]["topics"].as_array().unwrap().len() > 20);
            assert_eq!(file["chain"][2]["condition"], "waiting");
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{file}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
