//! What real cameras get wrong: each is heard all the same.

use camera_herald::camera::Hearing;
use camera_herald::demo::device::Quirks;
use camera_herald::events::door::EventKind;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::support::{Ears, MOTION, VIDEO_1, at, device};

const YEAR: i64 = 366 * 24 * 3_600;

fn cases() -> Vec<(&'static str, Quirks, i64)> {
    let none = Quirks::default();
    vec![
        ("none", none, 0),
        ("a clock a year ahead", none, YEAR),
        ("a clock a year behind", none, -YEAR),
        ("a locked clock", Quirks { locked_clock: true, ..none }, 0),
        ("a password in clear", Quirks { text_password: true, ..none }, 0),
        ("HTTP Digest", Quirks { http_digest: true, ..none }, 0),
        ("inner addresses", Quirks { inner_addresses: true, ..none }, 0),
        ("the port twice", Quirks { double_port: true, ..none }, 0),
        ("events in capabilities only", Quirks { events_in_capabilities_only: true, ..none }, 0),
        ("events in services only", Quirks { events_in_services_only: true, ..none }, 0),
        ("denied pull points", Quirks { denies_pull_points: true, ..none }, 0),
        ("a name as address", Quirks { urn_subscription: true, ..none }, 0),
        ("reference parameters", Quirks { reference_parameters: true, ..none }, 0),
        ("needs addressing", Quirks { needs_addressing: true, ..none }, 0),
        ("needs a termination time", Quirks { needs_termination: true, ..none }, 0),
        ("misread lengths", Quirks { misreads_lengths: true, ..none }, 0),
        ("misread lengths and another clock", Quirks { misreads_lengths: true, ..none }, YEAR),
        ("silly times", Quirks { silly_times: true, ..none }, 0),
        ("closed pulls", Quirks { closes_pulls_after: Some(2_200), ..none }, 0),
        ("one place", Quirks { places: Some(1), ..none }, 0),
        ("odd truth", Quirks { odd_truth: true, ..none }, 0),
        ("odd topics", Quirks { odd_topics: true, ..none }, 0),
        ("a broken encoding", Quirks { broken_encoding: true, ..none }, 0),
        ("no second media service", Quirks { no_media2: true, ..none }, 0),
    ]
}

/// A property that was there before fires nothing, one that begins fires once, with a time that is true.
async fn is_heard(name: &str, quirks: Quirks, clock: i64) {
    let device = device(quirks).await;
    device.set_clock(clock);
    device.tell("RuleEngine/MyRuleDetector/Visitor", "Source=video_1", "State=true");
    let mut ears = Ears::open([at("front", &device)]);
    ears.become_("front", Hearing::Listening).await;
    // A pull or two, for those that close them.
    if quirks.closes_pulls_after.is_some() {
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    }
    device.tell(MOTION, VIDEO_1, "State=true");
    let event = ears.event().await;
    assert_eq!((event.camera.as_str(), event.kind), ("front", EventKind::Motion), "{name}");
    let age = Timestamp::now().duration_since(event.timestamp);
    assert!(age.abs() < SignedDuration::from_secs(30), "{name}: {age:?}");
    device.tell(MOTION, VIDEO_1, "State=true");
    device.tell(MOTION, VIDEO_1, "State=false");
    assert_eq!(ears.event_soon().await, None, "{name}: once");
    device.tell(MOTION, VIDEO_1, "State=true");
    assert_eq!(ears.event().await.kind, EventKind::Motion, "{name}: and again");
    assert_eq!(device.subscriptions(), 1, "{name}");
    assert_eq!(device.seen().in_clear > 0, quirks.text_password, "{name}: the password in clear");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_peculiarity_of_real_cameras_is_survived() {
    let mut played = JoinSet::new();
    for (name, quirks, clock) in cases() {
        played.spawn(async move {
            is_heard(name, quirks, clock).await;
            name
        });
    }
    let mut failed = Vec::new();
    while let Some(ended) = played.join_next().await {
        failed.extend(ended.err().map(|error| error.to_string()));
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn one_motion_that_is_told_by_two_topics_is_one_event() {
    let camera = device(Quirks::default()).await;
    let mut ears = Ears::open([at("front", &camera)]);
    ears.become_("front", Hearing::Listening).await;
    for there in ["true", "false"] {
        camera.tell(MOTION, VIDEO_1, &format!("State={there}"));
        let source = "VideoSourceConfigurationToken=config_video_1,Rule=motion";
        camera.tell("RuleEngine/CellMotionDetector/Motion", source, &format!("IsMotion={there}"));
    }
    assert_eq!(ears.event().await.kind, EventKind::Motion);
    assert_eq!(ears.event_soon().await, None);
}

#[tokio::test]
async fn a_recorders_channels_are_told_apart_by_one_subscription_and_what_nobody_knows_is_nobodys() {
    use camera_herald::camera::Camera;
    use camera_herald::demo::device::Media;
    let recorder = device(Quirks::default()).await;
    let profile = |name: &str, source: &str| (name.to_owned(), source.to_owned(), 640, 360);
    recorder.show(Media { profiles: vec![profile("a", "video_1"), profile("b", "video_2")], ..Media::default() });
    let channel = |id: &str, channel| Camera { channel, ..at(id, &recorder) };
    let mut ears = Ears::open([channel("front", 1), channel("yard", 2)]);
    ears.become_("front", Hearing::Listening).await;
    ears.become_("yard", Hearing::Listening).await;
    assert_eq!(recorder.subscriptions(), 1);
    recorder.tell(MOTION, "VideoSourceToken=video_2", "State=true");
    assert_eq!(ears.event().await.camera.as_str(), "yard");
    recorder.tell(MOTION, "VideoSourceConfigurationToken=config_video_1", "State=true");
    assert_eq!(ears.event().await.camera.as_str(), "front");
    recorder.tell(MOTION, "VideoSourceToken=00300", "State=true");
    assert_eq!(ears.event_soon().await, None);
}
