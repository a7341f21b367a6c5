//! A camera that rages costs its own cameras only.

use camera_herald::camera::{CameraId, Hearing};
use camera_herald::demo::device::Quirks;

use super::support::{Ears, MOTION, VIDEO_1, at, device};

#[tokio::test]
async fn ten_thousand_messages_at_once_cost_no_event_of_another_camera() {
    let (mad, sane) = (device(Quirks::default()).await, device(Quirks::default()).await);
    let mut ears = Ears::open([at("mad", &mad), at("sane", &sane)]);
    ears.become_("mad", Hearing::Listening).await;
    ears.become_("sane", Hearing::Listening).await;
    for _ in 0..5_000 {
        mad.tell(MOTION, VIDEO_1, "State=true");
        mad.tell(MOTION, VIDEO_1, "State=false");
    }
    sane.tell(MOTION, VIDEO_1, "State=true");
    let (mut of_mad, mut of_sane) = (0, 0);
    while of_sane == 0 || of_mad == 0 {
        let event = ears.event().await;
        if event.camera.as_str() == "sane" { of_sane += 1 } else { of_mad += 1 }
    }
    while let Some(event) = ears.event_soon().await {
        if event.camera.as_str() == "sane" { of_sane += 1 } else { of_mad += 1 }
    }
    assert_eq!(of_sane, 1);
    assert!((100..1_000).contains(&of_mad), "the outbox is not filled by one: {of_mad}");
    assert_eq!(ears.hearings.borrow()[&CameraId::new("mad").unwrap()].hearing, Hearing::Listening);
}

#[tokio::test]
async fn a_message_of_a_hundred_megabytes_is_said_and_kept_from_the_memory() {
    let (mad, sane) = (device(Quirks::default()).await, device(Quirks::default()).await);
    mad.change(|quirks| quirks.huge_message = Some(100 * 1_024 * 1_024));
    let mut ears = Ears::open([at("mad", &mad), at("sane", &sane)]);
    let state = ears.become_("mad", Hearing::Lost).await;
    assert!(state.detail.is_some_and(|detail| detail.contains("256 KiB")));
    ears.become_("sane", Hearing::Listening).await;
    sane.tell(MOTION, VIDEO_1, "State=true");
    assert_eq!(ears.event().await.camera.as_str(), "sane");
}

#[tokio::test]
async fn a_broken_message_costs_itself_and_an_unknown_topic_is_counted() {
    let camera = device(Quirks::default()).await;
    let mut ears = Ears::open([at("front", &camera)]);
    ears.become_("front", Hearing::Listening).await;
    camera.blurt("<wsnt:NotificationMessage><unclosed></wsnt:NotificationMessage>");
    camera.tell("RuleEngine/Spaceship/Landed", VIDEO_1, "State=true");
    camera.tell(MOTION, VIDEO_1, "State=true");
    assert_eq!(ears.event().await.fields["topic"], MOTION);
    let front = CameraId::new("front").unwrap();
    let unknown = ears.hearings.borrow()[&front].unknown.clone();
    assert_eq!(unknown.get("RuleEngine/Spaceship/Landed"), Some(&1));
}
