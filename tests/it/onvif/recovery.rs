//! What ends is begun again: restarts of the camera and of us, clocks, places, passwords, options.

use std::time::Duration;

use camera_herald::camera::{Camera, Hearing, Reason};
use camera_herald::demo::device::{Device, Login, Quirks};
use camera_herald::events::door::EventKind;
use tokio::time::sleep;

use super::support::{Ears, MOTION, VIDEO_1, at, device};

#[tokio::test]
async fn after_a_restart_of_the_camera_nothing_rings_and_everything_is_heard() {
    let camera = device(Quirks::default()).await;
    let mut ears = Ears::open([at("front", &camera)]);
    ears.become_("front", Hearing::Listening).await;
    camera.tell("RuleEngine/MyRuleDetector/Visitor", "Source=video_1", "State=true");
    assert_eq!(ears.event().await.kind, EventKind::Ring);
    camera.reboot();
    assert_eq!(ears.event_soon().await, None, "the button is still pressed: that is no news");
    while camera.subscriptions() == 0 {
        sleep(Duration::from_millis(20)).await;
    }
    camera.tell(MOTION, VIDEO_1, "State=true");
    assert_eq!(ears.event().await.kind, EventKind::Motion);
}

#[tokio::test]
async fn a_camera_that_is_away_is_lost_and_back_when_it_is_back() {
    let camera = device(Quirks::default()).await;
    let addr = camera.addr();
    let mut ears = Ears::open([at("front", &camera)]);
    ears.become_("front", Hearing::Listening).await;
    drop(camera);
    let lost = ears.become_("front", Hearing::Lost).await;
    assert!(lost.detail.is_some_and(|detail| detail.contains(&addr.to_string())));
    let camera = loop {
        match Device::start_at(addr, Quirks::default()).await {
            Ok(camera) => break camera,
            Err(_still_held) => sleep(Duration::from_millis(50)).await,
        }
    };
    ears.become_("front", Hearing::Listening).await;
    camera.tell(MOTION, VIDEO_1, "State=true");
    assert_eq!(ears.event().await.kind, EventKind::Motion);
}

#[tokio::test]
async fn a_clock_that_is_set_by_a_year_while_we_listen_costs_no_event() {
    let camera = device(Quirks::default()).await;
    let mut ears = Ears::open([at("front", &camera)]);
    ears.become_("front", Hearing::Listening).await;
    camera.tell(MOTION, VIDEO_1, "State=true");
    ears.event().await;
    camera.set_clock(-366 * 24 * 3_600);
    // The pull that waits is answered, the next one carries a login of another year.
    for there in ["false", "true"] {
        camera.tell(MOTION, VIDEO_1, &format!("State={there}"));
        sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(ears.event().await.kind, EventKind::Motion);
    assert_eq!(ears.hearings.borrow().values().next().unwrap().hearing, Hearing::Listening);
}

#[tokio::test]
async fn what_happens_between_a_kill_and_the_next_start_is_heard_by_the_subscription_of_before() {
    let camera = device(Quirks { places: Some(1), ..Quirks::default() }).await;
    let mut ears = Ears::open([at("front", &camera)]);
    ears.become_("front", Hearing::Listening).await;
    let dir = ears.die().await;
    camera.tell(MOTION, VIDEO_1, "State=true");
    let mut ears = Ears::open_in(dir, [at("front", &camera)]);
    assert_eq!(ears.event().await.kind, EventKind::Motion);
    assert_eq!(ears.event_soon().await, None);
    assert_eq!(camera.subscriptions(), 1);
    assert_eq!(camera.seen().operations["CreatePullPointSubscription"], 1, "it was taken up");
}

#[tokio::test]
async fn a_camera_that_refuses_to_renew_gives_its_place_back_first() {
    let camera = device(Quirks { places: Some(1), no_renew: true, ..Quirks::default() }).await;
    let mut ears = Ears::open([at("front", &camera)]);
    ears.become_("front", Hearing::Listening).await;
    let dir = ears.die().await;
    let mut ears = Ears::open_in(dir, [at("front", &camera)]);
    ears.become_("front", Hearing::Listening).await;
    camera.tell(MOTION, VIDEO_1, "State=true");
    ears.event().await;
}

#[tokio::test]
async fn each_way_not_to_be_heard_has_its_word_and_says_what_to_do() {
    let none = Quirks::default();
    for (quirks, hearing, reason) in [
        (Quirks { no_events: true, ..none }, Hearing::NotOffered, Reason::NotFound),
        (Quirks { places: Some(0), ..none }, Hearing::Busy, Reason::Refused),
        (Quirks { bomb: true, ..none }, Hearing::Lost, Reason::Protocol),
        (Quirks { broken_pulls: true, ..none }, Hearing::Lost, Reason::Protocol),
    ] {
        let camera = device(quirks).await;
        let mut ears = Ears::open([at("front", &camera)]);
        let state = ears.become_("front", hearing).await;
        assert_eq!(state.reason, Some(reason), "{quirks:?}");
        assert!(state.detail.is_some_and(|detail| detail.contains(": ")), "{quirks:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_said_and_not_tried_again_and_again() {
    let camera = device(Quirks::default()).await;
    camera.lock(Login { username: "viewer".to_owned(), password: "another".to_owned() });
    let mut ears = Ears::open([at("front", &camera)]);
    let state = ears.become_("front", Hearing::Refused).await;
    assert_eq!(state.reason, Some(Reason::Auth));
    let refused = camera.seen().refused;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(camera.seen().refused, refused, "cameras lock out who tries too often");
    assert!(refused <= 4, "{refused}");
}

#[tokio::test]
async fn events_that_are_switched_off_are_not_listened_to_and_the_place_is_free() {
    let camera = device(Quirks::default()).await;
    let mut ears = Ears::open([at("front", &camera)]);
    ears.become_("front", Hearing::Listening).await;
    ears.follow([Camera { own_events: false, ..at("front", &camera) }]);
    ears.become_("front", Hearing::Off).await;
    while camera.subscriptions() > 0 {
        sleep(Duration::from_millis(20)).await;
    }
    ears.follow([]);
    ears.hearings.wait_for(|all| all.is_empty()).await.unwrap();
}
