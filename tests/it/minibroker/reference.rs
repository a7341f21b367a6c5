//! The Mosquitto of the tests: that its switches do what the tests rely on.

use std::process::Stdio;
use std::time::Duration;

use rumqttc::QoS;
use rumqttc::mqttbytes::v4::{Connect, Packet};
use tokio::process::Command;

use super::guest::{Guest, Raw};
use crate::support::mosquitto::{Config, Mosquitto, Store, TlsFiles};
use crate::support::watcher::{self, Watcher};

#[tokio::test]
async fn a_store_survives_an_orderly_stop_but_not_a_kill_and_not_being_emptied() {
    let mut mosquitto = Mosquitto::start(Config { persistence: true, ..Config::default() }).await;
    let addr = mosquitto.addr();
    Guest::enter(addr).await.publish("kept", "x", true).await;
    mosquitto.restart(Store::Kept).await;
    assert_eq!(mosquitto.addr(), addr);
    Guest::enter(addr).await.publish("killed", "x", true).await;
    mosquitto.kill9().await;
    mosquitto.restart(Store::Kept).await;
    assert_eq!(mosquitto.retained("#").await.into_keys().collect::<Vec<_>>(), ["kept"]);
    mosquitto.restart(Store::Emptied).await;
    assert!(mosquitto.retained("#").await.is_empty());
}

#[tokio::test]
async fn a_paused_one_is_half_open_until_it_is_resumed() {
    let mosquitto = Mosquitto::start(Config::default()).await;
    let mut client = Raw::enter(mosquitto.addr(), Connect::new("c")).await;
    mosquitto.pause();
    client.send(Packet::PingReq).await;
    assert!(client.hears_nothing_for(Duration::from_millis(200)).await);
    mosquitto.resume();
    assert_eq!(client.receive().await, Some(Packet::PingResp));
}

#[tokio::test]
async fn a_watcher_comes_back_after_a_restart_and_can_forget() {
    let mut mosquitto = Mosquitto::start(Config::default()).await;
    let watcher = Watcher::start(mosquitto.addr(), &["#"], QoS::AtLeastOnce).await;
    mosquitto.kill9().await;
    mosquitto.restart(Store::Kept).await;
    Guest::enter(mosquitto.addr()).await.publish("back", "x", true).await;
    watcher.wait_for(|seen| seen.topic == "back").await;
    watcher.forget();
    assert_eq!(watcher.seen(), []);
}

#[tokio::test]
async fn thousands_of_retained_messages_are_read_completely() {
    let mosquitto = Mosquitto::start(Config { max_queued: Some(0), ..Config::default() }).await;
    let guest = Guest::enter(mosquitto.addr()).await;
    let payload = "x".repeat(600);
    for number in 0..5_000 {
        guest.send(&format!("many/{number}"), &payload, true).await;
    }
    guest.wait(|news| news.acks.len() == 5_000).await;
    assert_eq!(mosquitto.retained("many/#").await.len(), 5_000);
}

#[tokio::test]
async fn its_login_limits_and_further_lines_are_in_force() {
    let login = Some(("herald".to_owned(), "secret".to_owned()));
    let extra = vec!["max_packet_size 1000".to_owned()];
    let mosquitto = Mosquitto::start(Config { login: login.clone(), extra, ..Config::default() }).await;
    assert!(watcher::knock(mosquitto.addr(), None).await.is_err());
    let options = watcher::options(mosquitto.addr(), login);
    let watcher = Watcher::start_as(options.clone(), &["#"], QoS::AtMostOnce).await;
    let mut options = options;
    options.set_client_id("sender".to_owned());
    let guest = Guest::try_enter(options).await.unwrap();
    guest.publish("small", "x", true).await;
    watcher.wait_for(|seen| seen.topic == "small").await;
    guest.send("large", &"x".repeat(2_000), true).await;
    guest.wait(|news| news.ended).await;
    assert_eq!(mosquitto.retained("#").await.len(), 1);
}

#[tokio::test]
async fn it_serves_tls_with_the_given_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = TlsFiles { certificate: dir.path().join("cert.pem"), key: dir.path().join("key.pem") };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let mosquitto = Mosquitto::start(Config { tls: Some(files.clone()), ..Config::default() }).await;
    let published = Command::new("mosquitto_pub")
        .args(["-h", "localhost", "-p", &mosquitto.tls_addr().port().to_string(), "--cafile"])
        .arg(&files.certificate)
        .args(["-t", "by/tls", "-m", "x", "-q", "1", "-r"])
        .stderr(Stdio::inherit())
        .status()
        .await
        .unwrap();
    assert!(published.success(), "{}", mosquitto.log());
    assert!(mosquitto.retained("#").await.contains_key("by/tls"));
}
