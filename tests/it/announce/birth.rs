//! Home Assistant starts: it says `online`, and hears everything again after a random delay.

use camera_herald::demo::broker::{self, Broker, Received};
use tokio::time::{Duration, Instant, sleep};

use crate::support::herald::{Herald, PATIENCE, Setup, push_cameras};

const BIRTH: &str = "homeassistant/status";

/// How often the bridge was announced, and so how many runs there were.
fn runs(log: &[Received]) -> usize {
    log.iter().filter(|message| message.topic == "homeassistant/device/camera_herald-bridge/config").count()
}

async fn until_runs(broker: &Broker, wanted: usize) {
    let deadline = Instant::now() + PATIENCE;
    while runs(&broker.log()) < wanted {
        assert!(Instant::now() < deadline, "only {} of {wanted} announcements", runs(&broker.log()));
        sleep(Duration::from_millis(10)).await;
    }
}

async fn announced() -> (Broker, Herald) {
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.record(true);
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(3))).await;
    // Whatever comes while a run is under way is folded into the next one; here nothing is.
    herald.says("Looked for leftovers", 1).await;
    (broker, herald)
}

/// Something else that leads to a run is used as a fence: what was to come before it has come.
async fn fence(broker: &Broker, herald: &Herald, runs: usize) {
    broker.publish("camera_herald/bridge/command", "announce", false);
    herald.says("Asked to announce again", 1).await;
    until_runs(broker, runs).await;
}

#[tokio::test]
async fn a_birth_is_answered_once_after_a_delay() {
    let (broker, herald) = announced().await;
    let born = Instant::now();
    broker.publish(BIRTH, "online", false);
    until_runs(&broker, 2).await;
    assert!(born.elapsed() >= Duration::from_millis(500), "answered after {:?}", born.elapsed());
    herald.says("Announced to Home Assistant", 2).await;
    fence(&broker, &herald, 3).await;
    assert_eq!(runs(&broker.log()), 3, "the birth was answered more than once");
}

#[tokio::test]
async fn five_births_in_a_second_make_at_most_two_announcements() {
    let (broker, herald) = announced().await;
    for _ in 0..5 {
        broker.publish(BIRTH, "online", false);
        sleep(Duration::from_millis(150)).await;
    }
    until_runs(&broker, 2).await;
    herald.says("Home Assistant has started", 5).await;
    // Longer than the longest delay after the last birth: whatever it leads to has begun.
    sleep(Duration::from_millis(3_100)).await;
    let after = runs(&broker.log());
    assert!((2..=3).contains(&after), "{} announcements for five births", after - 1);
}

#[tokio::test]
async fn a_retained_birth_an_offline_and_a_retained_command_change_nothing() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.publish(BIRTH, "online", true);
    broker.publish("camera_herald/bridge/command", "announce", true);
    broker.record(true);
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(3))).await;
    herald.says("Announced to Home Assistant", 1).await;
    broker.publish(BIRTH, "offline", false);
    broker.publish(BIRTH, "ONLINE", false);
    fence(&broker, &herald, 2).await;
    sleep(Duration::from_millis(3_100)).await;
    assert_eq!(runs(&broker.log()), 2, "{}", herald.log());
    assert_eq!(herald.count("Home Assistant has started"), 0);
}
