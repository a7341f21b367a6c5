//! What Home Assistant is told of an event, at once or after an outage.

use rumqttc::QoS;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::support::{event, restart, start};
use crate::support::camera::jpeg;
use crate::support::herald::{Herald, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto, Store};
use crate::support::watcher::{Seen, Watcher};

fn json_of(message: &Seen) -> Value {
    serde_json::from_slice(&message.payload).unwrap_or_else(|_| panic!("not JSON: {message:?}"))
}

async fn until(watcher: &Watcher, leaf: &str, is: impl Fn(&Value) -> bool) -> Value {
    let topic = format!("camera_herald/camera/cam_0/{leaf}");
    let wanted =
        |message: &Seen| message.topic == topic && serde_json::from_slice(&message.payload).is_ok_and(|v| is(&v));
    json_of(&watcher.wait_for(wanted).await)
}

#[tokio::test]
async fn an_event_is_told_in_every_form() {
    let broker = Mosquitto::start(Config::default()).await;
    let (herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(1))).await;
    herald.says("Announced to Home Assistant", 1).await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/#"], QoS::AtLeastOnce).await;
    let mut posted = event("one");
    posted["image_base64"] = json!(base64(&jpeg(1_600, 900)));
    posted["weather"] = json!({ "sky": "grey" });
    assert_eq!(sender.insist("cam_0", &posted).await, 202);

    let whole = until(&watcher, "event", |event| event["event_id"] == "one").await;
    assert_eq!(whole["weather"], json!({ "sky": "grey" }), "unknown fields are kept");
    let fired = until(&watcher, "detection", |event| event["event_type"] == "person").await;
    assert_eq!(fired["event_id"], json!("one"));
    let last = until(&watcher, "last_event", |last| last["event_id"] == "one").await;
    assert_eq!(last["description_snippet"], json!("Somebody at the door"));
    until(&watcher, "counts", |counts| counts["events_today"] == 1 && counts["events_this_week"] == 1).await;
    until(&watcher, "activity", |activity| activity["state"] == "ON").await;
    let picture = watcher.wait_for(|message| message.topic.ends_with("cam_0/snapshot")).await;
    assert!(!picture.retain);
    let size = image::load_from_memory(&picture.payload).unwrap();
    assert_eq!((size.width(), size.height()), (1_280, 720));

    assert_eq!(sender.insist("cam_0", &posted).await, 200, "the same event again");
    assert_eq!(sender.insist("cam_0", &event("two")).await, 202);
    until(&watcher, "counts", |counts| counts["events_today"] == 2).await;
    until(&watcher, "detection", |event| event["event_id"] == "two").await;
    let seen = watcher.seen();
    let fired: Vec<_> = seen.iter().filter(|message| message.topic.ends_with("/detection")).map(json_of).collect();
    assert_eq!(fired.iter().map(|event| event["event_id"].clone()).collect::<Vec<_>>(), [json!("one"), json!("two")]);
    let retained = broker.retained("camera_herald/camera/cam_0/+").await;
    let leaves: Vec<_> = retained.keys().map(|topic| topic.rsplit('/').next().unwrap()).collect();
    assert_eq!(leaves, ["activity", "availability", "counts", "event", "last_event", "status"]);
}

#[tokio::test]
async fn a_thousand_events_of_an_outage_arrive_in_order_and_the_stale_ones_do_not_fire() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let mut setup = Setup::with_broker(broker.addr(), push_cameras(1));
    setup.options["events"] = json!({ "stale_after_seconds": 1 });
    let (herald, sender) = start(setup).await;
    herald.says("Announced to Home Assistant", 1).await;
    broker.kill9().await;
    herald.says("Waiting for the broker", 1).await;
    let ids: Vec<String> = (0..1_000).map(|i| format!("e{i:04}")).collect();
    for chunk in ids.chunks(40) {
        for id in chunk {
            assert_eq!(sender.insist("cam_0", &event(id)).await, 202, "{id}");
        }
        // As fast as one camera may: 50 a second.
        sleep(Duration::from_millis(800)).await;
    }
    sleep(Duration::from_millis(1_500)).await;
    broker.restart(Store::Emptied).await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/#"], QoS::AtLeastOnce).await;
    let all = |seen: &[Seen]| {
        seen.iter().any(|message| message.topic.ends_with("/event") && json_of(message)["event_id"] == "e0999")
    };
    let seen = watcher.wait_until(all).await;
    let arrived: Vec<_> = seen
        .iter()
        .filter(|message| message.topic.ends_with("cam_0/event"))
        .map(|message| json_of(message)["event_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(arrived, ids);
    assert_eq!(seen.iter().filter(|message| message.topic.ends_with("/detection")).count(), 0);
    until(&watcher, "counts", |counts| counts["events_today"] == 1_000).await;
}

#[tokio::test]
async fn a_fresh_event_of_an_outage_waits_until_home_assistant_listens() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let (herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(1))).await;
    herald.says("Looked for leftovers", 1).await;
    broker.kill9().await;
    herald.says("Waiting for the broker", 1).await;
    sender.insist("cam_0", &event("ring")).await;
    broker.restart(Store::Emptied).await;
    let filters = ["camera_herald/camera/#", "homeassistant/status"];
    let watcher = Watcher::start(broker.addr(), &filters, QoS::AtLeastOnce).await;
    // The look comes a second behind the announcement: whatever was to be sent at once has been sent.
    herald.says("Looked for leftovers", 2).await;
    crate::support::publish(broker.addr(), "homeassistant/status", "online").await;
    let fired = |message: &Seen| message.topic.ends_with("/detection");
    watcher.wait_for(fired).await;
    let seen = watcher.seen();
    let birth = seen.iter().position(|message| message.topic == "homeassistant/status").unwrap();
    let order = |leaf| seen.iter().position(|message| message.topic.ends_with(leaf)).unwrap();
    assert!(birth < order("/event") && birth < order("/detection"), "{seen:#?}");
}

/// A whole announcement: whatever was to come before it has come. Not by a command, for that is a sign of Home Assistant.
async fn rename(herald: &mut Herald, name: &str, runs: usize) {
    herald.reload(|options| options["cameras"][0]["name"] = json!(name));
    herald.says("Announced to Home Assistant", runs).await;
}

#[tokio::test]
async fn a_fresh_event_waits_while_home_assistant_restarts_and_no_longer_than_it_may_fire() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut setup = Setup::with_broker(broker.addr(), push_cameras(1));
    setup.options["events"] = json!({ "stale_after_seconds": 10 });
    let (mut herald, sender) = start(setup).await;
    herald.says("Announced to Home Assistant", 1).await;
    let filters = ["camera_herald/camera/#", "homeassistant/status"];
    let watcher = Watcher::start(broker.addr(), &filters, QoS::AtLeastOnce).await;
    let say = async |word| crate::support::publish(broker.addr(), "homeassistant/status", word).await;
    say("offline").await;
    herald.says("Home Assistant has gone", 1).await;
    sender.insist("cam_0", &event("one")).await;
    rename(&mut herald, "Hall", 2).await;
    say("online").await;
    watcher.wait_for(|message| message.topic.ends_with("/detection")).await;
    let seen = watcher.seen();
    let birth = seen.iter().position(|message| message.topic == "homeassistant/status" && message.text() == "online");
    let fired = seen.iter().position(|message| message.topic.ends_with("/detection"));
    assert!(birth < fired, "{seen:#?}");

    // It does not come back: who else reads events gets them all the same.
    herald.says("Announced to Home Assistant", 3).await;
    watcher.forget();
    say("offline").await;
    herald.says("Home Assistant has gone", 2).await;
    sender.insist("cam_0", &event("two")).await;
    rename(&mut herald, "Porch", 4).await;
    let is_of_an_event = |message: &Seen| message.topic.ends_with("/event") || message.topic.ends_with("/detection");
    assert!(
        !watcher.seen().iter().any(|message| is_of_an_event(message) && json_of(message)["event_id"] == "two"),
        "it does not wait"
    );
    until(&watcher, "event", |event| event["event_id"] == "two").await;
    assert_eq!(herald.count("Home Assistant has started"), 1);
}

#[tokio::test]
async fn activity_ends_by_itself_also_while_the_app_is_down() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut setup = Setup::with_broker(broker.addr(), push_cameras(1));
    setup.options["events"] = json!({ "activity_seconds": 2 });
    let (mut herald, sender) = start(setup).await;
    herald.says("Announced to Home Assistant", 1).await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/#"], QoS::AtLeastOnce).await;
    sender.insist("cam_0", &event("one")).await;
    until(&watcher, "activity", |activity| activity["state"] == "ON").await;
    watcher.forget();
    until(&watcher, "activity", |activity| activity["state"] == "OFF").await;

    sender.insist("cam_0", &event("two")).await;
    until(&watcher, "activity", |activity| activity["state"] == "ON").await;
    herald.kill9().await;
    sleep(Duration::from_secs(2)).await;
    watcher.forget();
    let _herald = restart(herald.dir(), herald.setup()).await;
    until(&watcher, "activity", |activity| activity["state"] == "OFF").await;
    until(&watcher, "counts", |counts| counts["events_today"] == 2).await;
}

#[tokio::test]
async fn the_last_picture_is_sent_again_after_home_assistant_has_started() {
    let broker = Mosquitto::start(Config::default()).await;
    let (herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.says("Looked for leftovers", 1).await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/#"], QoS::AtLeastOnce).await;
    let mut posted = event("one");
    posted["image_base64"] = json!(base64(&jpeg(320, 200)));
    sender.insist("cam_1", &posted).await;
    let is_picture = |message: &Seen| message.topic.ends_with("cam_1/snapshot");
    let first = watcher.wait_for(is_picture).await;
    // The detection follows its picture; nothing of the event is under way after it.
    watcher.wait_for(|message| message.topic.ends_with("cam_1/detection")).await;
    watcher.forget();
    crate::support::publish(broker.addr(), "homeassistant/status", "online").await;
    assert_eq!(watcher.wait_for(is_picture).await.payload, first.payload);
    assert_eq!(watcher.seen().iter().filter(|message| message.topic.ends_with("/detection")).count(), 0);
}

/// A picture that hardly becomes smaller by compression.
fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut seed = 1_u32;
    let picture = image::RgbImage::from_fn(width, height, |_, _| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Rgb([(seed >> 24) as u8, (seed >> 16) as u8, (seed >> 8) as u8])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn a_picture_keeps_to_the_brokers_packet_limit_and_never_costs_the_connection() {
    for (limit, (width, height), fits) in [(100_000, (1_280, 720), true), (12_000, (320, 180), false)] {
        let config = Config { extra: vec![format!("max_packet_size {limit}")], ..Config::default() };
        let broker = Mosquitto::start(config).await;
        let (herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(1))).await;
        herald.says("Announced to Home Assistant", 1).await;
        let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/#"], QoS::AtLeastOnce).await;
        let mut posted = event("one");
        posted["image_base64"] = json!(base64(&noise(width, height)));
        assert_eq!(sender.insist("cam_0", &posted).await, 202);
        until(&watcher, "detection", |event| event["event_id"] == "one").await;
        let pictures: Vec<_> =
            watcher.seen().into_iter().filter(|message| message.topic.ends_with("/snapshot")).collect();
        if fits {
            assert_eq!(pictures.len(), 1);
            assert!(
                pictures[0].payload.len() > limit / 4 && pictures[0].payload.len() < limit,
                "{}",
                pictures[0].payload.len()
            );
            image::load_from_memory(&pictures[0].payload).unwrap();
        } else {
            assert!(pictures.is_empty());
            herald.says("does not fit into", 1).await;
        }
        assert_eq!(sender.insist("cam_0", &event("two")).await, 202);
        until(&watcher, "detection", |event| event["event_id"] == "two").await;
        assert_eq!(herald.log().matches("Announced to Home Assistant").count(), 1, "{limit}: the link was lost");
    }
}

#[tokio::test]
async fn an_event_of_a_camera_that_was_just_added_waits_for_its_announcement() {
    let broker = Mosquitto::start(Config::default()).await;
    let (mut herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(1))).await;
    herald.says("Announced to Home Assistant", 1).await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/#"], QoS::AtLeastOnce).await;
    for count in 2..6 {
        let id = format!("cam_{}", count - 1);
        herald.reload(|options| options["cameras"] = push_cameras(count));
        // It is known at the door before Home Assistant knows it.
        while sender.insist(&id, &event("first")).await == 404 {}
        assert_eq!(sender.insist("cam_0", &event(&format!("beside-{count}"))).await, 202);
        watcher.wait_for(|message| message.topic == format!("camera_herald/camera/{id}/detection")).await;
    }
    assert_eq!(herald.count("is dropped"), 0, "{}", herald.log());
}

#[tokio::test]
async fn todays_count_begins_at_the_midnight_of_the_zone_that_the_supervisor_sets() {
    let broker = Mosquitto::start(Config::default()).await;
    // In Auckland it is never midnight when it is midnight in UTC.
    let zone = jiff::tz::TimeZone::get("Pacific/Auckland").unwrap();
    let midnight = jiff::Timestamp::now().to_zoned(zone).start_of_day().unwrap().timestamp();
    let mut setup = Setup::with_broker(broker.addr(), push_cameras(1));
    setup.environment.push(("TZ".to_owned(), "Pacific/Auckland".to_owned()));
    let (_herald, sender) = start(setup).await;
    for (id, seconds) in [("yesterday", -1), ("today", 0)] {
        let mut posted = event(id);
        posted["timestamp"] = json!(midnight + jiff::SignedDuration::from_secs(seconds));
        assert_eq!(sender.insist("cam_0", &posted).await, 202);
    }
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/#"], QoS::AtLeastOnce).await;
    let counts = until(&watcher, "counts", |counts| counts["events_this_week"].as_u64() > Some(0)).await;
    assert_eq!(counts["events_today"], 1, "{counts}");
}

#[tokio::test]
async fn a_doorbell_rings() {
    let broker = Mosquitto::start(Config::default()).await;
    let cameras = json!([{ "name": "Bell", "id": "cam_0", "kind": "doorbell" }]);
    let (herald, sender) = start(Setup::with_broker(broker.addr(), cameras)).await;
    herald.says("Announced to Home Assistant", 1).await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/#"], QoS::AtLeastOnce).await;
    let mut ring = event("one");
    ring["is_doorbell_ring"] = json!(true);
    assert_eq!(sender.insist("cam_0", &ring).await, 202);
    until(&watcher, "detection", |event| event["event_type"] == "ring").await;
    let config = "homeassistant/device/camera_herald-cam_0/config";
    let payload: Value = serde_json::from_slice(&broker.retained(config).await[config]).unwrap();
    assert_eq!(payload["components"]["detection"]["device_class"], json!("doorbell"));
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
