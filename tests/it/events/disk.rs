//! The whole program on a disk that fills up.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::delivery::base64;
use super::support::{Sender, event, start};
use crate::support::camera::jpeg;
use crate::support::herald::{Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};

/// Mounting takes root, or at least a name space of one's own.
#[test]
fn a_full_disk_is_answered_with_503_and_served_again_when_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=12m tmpfs \"$TMPDIR\" || exit 77; \
                  exec \"$0\" --exact events::disk::on_a_small_disk --ignored --nocapture";
    let ended = std::process::Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("TMPDIR", dir.path())
        .output();
    match ended {
        Ok(ended) if ended.status.success() => {}
        Ok(ended) if [Some(1), Some(77)].contains(&ended.status.code()) => println!("no mount here: {ended:?}"),
        Ok(ended) => panic!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr)),
        Err(error) => println!("no mount here: {error}"),
    }
}

#[tokio::test]
#[ignore = "a_full_disk_is_answered_with_503_and_served_again_when_there_is_space runs it where the disk is small"]
async fn on_a_small_disk() {
    let broker = Mosquitto::start(Config::default()).await;
    let (herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(1))).await;
    herald.says("Announced to Home Assistant", 1).await;
    let ballast = herald.dir().path().join("ballast");
    fs::write(&ballast, vec![0; 7_000_000]).unwrap();

    let picture = base64(&jpeg(800, 600));
    let with_picture = |id: &str| {
        let mut event = event(id);
        event["image_base64"] = json!(picture);
        event
    };
    let mut taken = Vec::new();
    let refusal = loop {
        let id = format!("e{:03}", taken.len());
        let (status, body) = answer(&sender, &with_picture(&id)).await;
        match status {
            202 => taken.push(id),
            429 => sleep(Duration::from_millis(100)).await,
            503 => break body,
            other => panic!("{other}: {body}"),
        }
        assert!(taken.len() < 2_000, "the disk never fills");
    };
    assert_eq!(refusal["status"], 503);
    assert!(refusal["detail"].as_str().is_some_and(|detail| detail.contains("full")), "{refusal}");

    fs::remove_file(&ballast).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while answer(&sender, &with_picture("after")).await.0 != 202 {
        assert!(Instant::now() < deadline, "no event is taken although there is space; the log:\n{}", herald.log());
        sleep(Duration::from_millis(100)).await;
    }
    herald.says("Events can be written again", 1).await;
    let topic = "camera_herald/camera/cam_0/event";
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let retained = broker.retained(topic).await;
        let last: Value = retained.get(topic).map(|body| serde_json::from_slice(body).unwrap()).unwrap_or_default();
        if last["event_id"] == "after" {
            break;
        }
        assert!(Instant::now() < deadline, "the last event on the broker is {last}");
        sleep(Duration::from_millis(100)).await;
    }
}

async fn answer(sender: &Sender, event: &Value) -> (u16, Value) {
    sender.answer("cam_0", event).await.expect("the door is open")
}
