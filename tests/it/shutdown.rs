//! Stopping in every phase: exit 0 within the budget, `offline` on a living broker, the will when nobody could say it.

use std::time::{Duration, Instant};

use camera_herald::demo::broker::{self, Broker, ConnectFault};
use nix::sys::signal::Signal;
use rumqttc::QoS;
use serde_json::json;

use crate::support::herald::{Herald, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};
use crate::support::supervisor::{FakeSupervisor, Scenario};
use crate::support::watcher::Watcher;

/// The Supervisor would wait 10 s; our own budget is half of it.
const BUDGET: Duration = Duration::from_secs(5);
/// What has not ended by itself after 4.5 s is cut off, and the broker speaks our will: that must not pass for a stop in order.
const CUT_OFF: Duration = Duration::from_millis(4_400);

async fn stops_in_order(herald: &mut Herald) {
    let (code, took) = herald.terminate().await;
    assert_eq!(code, Some(0), "{}", herald.log());
    assert!(took <= BUDGET, "it took {took:?}:\n{}", herald.log());
}

async fn status(broker: &Mosquitto) -> Vec<u8> {
    broker.retained("camera_herald/status").await.remove("camera_herald/status").unwrap_or_default()
}

#[tokio::test]
async fn before_the_supervisor_has_answered() {
    let supervisor = FakeSupervisor::start(Scenario::Slow(Duration::from_secs(60))).await;
    let token = secrecy::ExposeSecret::expose_secret(&supervisor.token()).to_owned();
    let mut herald = Herald::start(Setup::with_supervisor(supervisor.url().as_str(), &token, push_cameras(2))).await;
    herald.runs().await;
    stops_in_order(&mut herald).await;
}

#[tokio::test]
async fn while_connecting() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.fault(|faults| faults.connect = ConnectFault::Silent);
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.runs().await;
    stops_in_order(&mut herald).await;
}

#[tokio::test]
async fn while_announcing_five_hundred_cameras() {
    let broker = Mosquitto::start(Config::default()).await;
    let watcher = Watcher::start(broker.addr(), &["homeassistant/#"], QoS::AtMostOnce).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(500))).await;
    watcher.wait_until(|seen| seen.len() > 50).await;
    assert_eq!(herald.announcements().await, 0, "it was to be stopped in the middle");
    stops_in_order(&mut herald).await;
    assert_eq!(status(&broker).await, b"offline");
}

#[tokio::test]
async fn while_idle_by_either_signal() {
    let broker = Mosquitto::start(Config::default()).await;
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
        herald.announced(1).await;
        let watcher = Watcher::start(broker.addr(), &["camera_herald/status"], QoS::AtLeastOnce).await;
        watcher.wait_for(|message| message.text() == "online").await;
        watcher.forget();
        herald.signal(signal);
        let asked = Instant::now();
        assert_eq!(herald.ended().await, Some(0));
        assert!(asked.elapsed() < CUT_OFF, "it was cut off:\n{}", herald.log());
        assert_eq!(status(&broker).await, b"offline");
        // By itself: the will is said only for who goes without a word.
        assert_eq!(watcher.seen().len(), 1, "{:?}", watcher.seen());
    }
}

#[tokio::test]
async fn with_a_broker_that_is_gone() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.announced(1).await;
    broker.kill9().await;
    herald.misses_the_broker().await;
    stops_in_order(&mut herald).await;
}

#[tokio::test]
async fn with_a_broker_that_stands_still() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.announced(1).await;
    broker.pause();
    stops_in_order(&mut herald).await;
    broker.resume();
    // The drain was cut off, so the broker says it for us.
    let watcher = Watcher::start(broker.addr(), &["camera_herald/status"], QoS::AtLeastOnce).await;
    watcher.wait_for(|message| message.text() == "offline").await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.announced(1).await;
    broker.pause();
    herald.signal(Signal::SIGTERM);
    herald.shuts_its_doors().await;
    let (code, took) = herald.terminate().await;
    broker.resume();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(2), "it took {took:?}");
}

#[tokio::test]
async fn a_killed_app_is_offline_by_its_will() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.announced(1).await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/status"], QoS::AtLeastOnce).await;
    herald.kill9().await;
    watcher.wait_for(|message| message.text() == "offline").await;
    assert_eq!(status(&broker).await, b"offline");
}

#[tokio::test]
async fn a_data_dir_from_a_newer_version_stops_the_start_with_2() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(1))).await;
    herald.announced(1).await;
    herald.terminate().await;
    let file = herald.dir().path().join("herald.db");
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
    let mut herald = Herald::start_in(herald.dir(), herald.setup()).await;
    assert_eq!(herald.ended().await, Some(2));
}

#[tokio::test]
async fn a_data_dir_that_cannot_be_written_does_not_keep_the_cameras_away() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut setup = Setup::with_broker(broker.addr(), json!([]));
    let options = tempfile::NamedTempFile::with_suffix(".json").unwrap();
    setup.options["cameras"] = push_cameras(1);
    std::fs::write(options.path(), setup.options.to_string()).unwrap();
    setup.environment = vec![
        ("HERALD_OPTIONS".to_owned(), options.path().display().to_string()),
        ("HERALD_DATA_DIR".to_owned(), "/proc/nowhere".to_owned()),
    ];
    let mut herald = Herald::start(setup).await;
    herald.announced(1).await;
    stops_in_order(&mut herald).await;
}

/// A file that can be opened and never ends: whoever reads it stands still.
struct Endless(std::path::PathBuf);

impl Endless {
    fn make(path: std::path::PathBuf) -> Self {
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        Self(path)
    }

    /// Waits until somebody reads; they do until what is returned is dropped.
    async fn is_read(&self) -> std::fs::File {
        use std::os::unix::fs::OpenOptionsExt;
        const NONBLOCK: i32 = 0o4000;
        loop {
            // Fails for as long as nobody has it open for reading.
            if let Ok(file) = std::fs::OpenOptions::new().write(true).custom_flags(NONBLOCK).open(&self.0) {
                return file;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The second signal ends it also when the first cannot even be answered.
async fn two_signals_end_it(herald: &mut Herald) {
    herald.signal(Signal::SIGTERM);
    assert!(tokio::time::timeout(Duration::from_millis(300), herald.ended()).await.is_err(), "it does not stand still");
    let (code, took) = herald.terminate().await;
    assert_eq!(code, Some(0), "it was asked to stop");
    assert!(took < Duration::from_secs(2), "it took {took:?}");
}

#[tokio::test]
async fn a_second_signal_ends_it_also_while_it_reads_its_options() {
    let dir = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let options = Endless::make(dir.path().join("endless.json"));
    let mut setup = Setup::with_broker("127.0.0.1:9".parse().unwrap(), push_cameras(1));
    setup.environment = vec![("HERALD_OPTIONS".to_owned(), options.0.display().to_string())];
    let mut herald = Herald::start_in(dir, setup).await;
    let _stays_open = options.is_read().await;
    two_signals_end_it(&mut herald).await;
}

#[tokio::test]
async fn a_second_signal_ends_it_also_while_it_starts() {
    let dir = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let client_id = Endless::make(dir.path().join("client_id"));
    let mut herald = Herald::start_in(dir, Setup::with_broker("127.0.0.1:9".parse().unwrap(), push_cameras(1))).await;
    let _stays_open = client_id.is_read().await;
    two_signals_end_it(&mut herald).await;
}

/// A program that starts over with other options, and a broker that stands still, so that the drain before it takes seconds.
async fn starting_over(broker: &Mosquitto) -> Herald {
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.says("Announced to Home Assistant", 1).await;
    broker.pause();
    herald.reload(|options| options["topics"] = json!({ "base": "other" }));
    herald.says("The options changed: starting over", 1).await;
    herald
}

#[tokio::test]
async fn a_stop_while_it_starts_over_stops_it() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = starting_over(&broker).await;
    stops_in_order(&mut herald).await;
    broker.resume();
    assert_eq!(herald.count("Camera Herald has started"), 1, "it did not start over:\n{}", herald.log());
}

#[tokio::test]
async fn a_reload_while_it_starts_over_is_done_afterwards() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = starting_over(&broker).await;
    herald.reload(|options| options["cameras"] = push_cameras(3));
    broker.resume();
    let watcher = Watcher::start(broker.addr(), &["homeassistant/device/+/config"], QoS::AtLeastOnce).await;
    watcher.wait_for(|message| message.topic == "homeassistant/device/other-cam_2/config").await;
    stops_in_order(&mut herald).await;
}
