//! Tables and properties of the decision.

use proptest::prelude::*;

use super::*;
use crate::camera::Camera;
use crate::camera::inventory::tests::streaming as camera;

fn id(name: &str) -> CameraId {
    CameraId::new(name).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn fleet(names: &[&str]) -> Fleet {
    let mut fleet = Fleet::default();
    fleet.set_inventory(&Inventory::new(names.iter().map(|name| camera(name))), at(0));
    fleet
}

fn good(fleet: &mut Fleet, name: &str, seconds: i64) -> Option<Change> {
    fleet.observe(&Report { camera: id(name), at: at(seconds), outcome: Ok(Sighting::default()) })
}

fn bad(fleet: &mut Fleet, name: &str, reason: Reason, seconds: i64) -> Option<Change> {
    let failure = Failure { reason, detail: format!("{} happened", reason.as_str()) };
    fleet.observe(&Report { camera: id(name), at: at(seconds), outcome: Err(failure) })
}

fn status(fleet: &Fleet, name: &str) -> Status {
    fleet.state(&id(name)).unwrap().status
}

#[test]
fn every_reason_has_its_status() {
    for (reason, expected) in [
        (Reason::Dns, Status::Offline),
        (Reason::Refused, Status::Offline),
        (Reason::Unreachable, Status::Offline),
        (Reason::Timeout, Status::Offline),
        (Reason::Tls, Status::Offline),
        (Reason::Auth, Status::Unauthorized),
        (Reason::NotFound, Status::Offline),
        (Reason::Protocol, Status::Offline),
        (Reason::NoFrames, Status::NoVideo),
        (Reason::SamePicture, Status::Frozen),
    ] {
        let mut fleet = fleet(&["front"]);
        good(&mut fleet, "front", 1);
        assert_eq!(bad(&mut fleet, "front", reason, 31), None, "one lost probe changes nothing");
        assert_eq!(fleet.state(&id("front")).unwrap().reason, None);
        let change = bad(&mut fleet, "front", reason, 34).expect("the second failure is believed");
        assert_eq!((change.before, change.status), (Status::Online, expected));
        let state = fleet.state(&id("front")).unwrap();
        assert_eq!((state.reason, state.since, state.last_frame_at), (Some(reason), at(34), Some(at(1))));
    }
}

#[test]
fn one_good_probe_is_online_again() {
    let mut fleet = fleet(&["front"]);
    bad(&mut fleet, "front", Reason::Refused, 0);
    bad(&mut fleet, "front", Reason::Refused, 3);
    assert_eq!(status(&fleet, "front"), Status::Offline);
    let change = good(&mut fleet, "front", 6).expect("it is online");
    assert_eq!((change.before, change.status, change.failure), (Status::Offline, Status::Online, None));
    let state = fleet.state(&id("front")).unwrap();
    assert_eq!((state.reason, state.since, state.last_frame_at), (None, at(6), Some(at(6))));
    assert_eq!(bad(&mut fleet, "front", Reason::Refused, 36), None, "the count begins again");
}

#[test]
fn a_new_reason_for_the_same_status_keeps_its_beginning() {
    let mut fleet = fleet(&["front"]);
    bad(&mut fleet, "front", Reason::Refused, 0);
    bad(&mut fleet, "front", Reason::Refused, 3);
    assert_eq!(bad(&mut fleet, "front", Reason::Timeout, 33), None);
    let state = fleet.state(&id("front")).unwrap();
    assert_eq!((state.status, state.reason, state.since), (Status::Offline, Some(Reason::Timeout), at(3)));
    let change = bad(&mut fleet, "front", Reason::Auth, 63).expect("another status");
    assert_eq!((change.before, change.status), (Status::Offline, Status::Unauthorized));
}

#[test]
fn when_all_cameras_fail_together_one_more_probe_is_needed() {
    let mut fleet = fleet(&["front", "garden"]);
    good(&mut fleet, "front", 0);
    good(&mut fleet, "garden", 1);
    for (seconds, name) in [(30, "front"), (31, "garden"), (33, "front"), (34, "garden")] {
        assert_eq!(bad(&mut fleet, name, Reason::Unreachable, seconds), None, "{name} at {seconds}");
    }
    assert_eq!(bad(&mut fleet, "front", Reason::Unreachable, 36).map(|change| change.status), Some(Status::Offline));
    assert_eq!(bad(&mut fleet, "garden", Reason::Unreachable, 37).map(|change| change.status), Some(Status::Offline));
}

#[test]
fn the_last_of_all_to_fail_counts_those_that_were_believed_before() {
    let mut fleet = fleet(&["front", "garden"]);
    good(&mut fleet, "front", 0);
    good(&mut fleet, "garden", 1);
    bad(&mut fleet, "front", Reason::Unreachable, 30);
    assert!(bad(&mut fleet, "front", Reason::Unreachable, 33).is_some(), "the other one has not failed yet");
    bad(&mut fleet, "garden", Reason::Unreachable, 45);
    assert_eq!(bad(&mut fleet, "garden", Reason::Unreachable, 48), None);
    assert!(bad(&mut fleet, "garden", Reason::Unreachable, 51).is_some());
}

#[test]
fn two_failures_do_while_another_camera_is_fine_or_was_dead_before() {
    let mut fleet = fleet(&["front", "garden", "shed"]);
    for name in ["front", "garden"] {
        good(&mut fleet, name, 0);
    }
    for seconds in [0, 3, 6] {
        bad(&mut fleet, "shed", Reason::Refused, seconds);
    }
    bad(&mut fleet, "front", Reason::Refused, 30);
    assert!(bad(&mut fleet, "front", Reason::Refused, 33).is_some(), "the garden is fine");
    bad(&mut fleet, "garden", Reason::Refused, 130);
    assert!(bad(&mut fleet, "garden", Reason::Refused, 133).is_some(), "the others failed long ago");
}

#[test]
fn the_inventory_brings_and_takes_cameras() {
    let mut fleet = fleet(&["front", "garden"]);
    good(&mut fleet, "front", 1);
    let push_only = Camera { stream: None, ..camera("bell") };
    fleet.set_inventory(&Inventory::new([camera("front"), push_only]), at(10));
    assert_eq!(status(&fleet, "front"), Status::Online, "what is known stays known");
    assert_eq!(fleet.state(&id("bell")), Some(&CameraState::unknown(at(10))));
    assert_eq!(good(&mut fleet, "garden", 11), None, "a late report of a removed camera is dropped");
    assert_eq!(fleet.statuses().len(), 2);

    fleet.set_inventory(&Inventory::new([Camera { stream: None, ..camera("front") }]), at(20));
    assert_eq!(fleet.state(&id("front")), Some(&CameraState::unknown(at(20))), "nothing is left to probe");
}

fn outcomes() -> impl Strategy<Value = Vec<(usize, Option<Reason>, u8)>> {
    let reason = prop::option::of(prop::sample::select(vec![
        Reason::Dns,
        Reason::Refused,
        Reason::Timeout,
        Reason::Auth,
        Reason::NoFrames,
        Reason::SamePicture,
    ]));
    prop::collection::vec((0..3_usize, reason, 0..40_u8), 1..100)
}

proptest! {
    #[test]
    fn good_is_online_at_once_and_one_failure_never_ends_it(outcomes in outcomes()) {
        let names = ["front", "garden", "shed"];
        let mut fleet = fleet(&names);
        let mut failures = [0; 3];
        let mut now = 0;
        for (which, reason, pause) in outcomes {
            now += i64::from(pause);
            let (name, before) = (names[which], fleet.state(&id(names[which])).unwrap().clone());
            let change = match reason {
                None => good(&mut fleet, name, now),
                Some(reason) => bad(&mut fleet, name, reason, now),
            };
            failures[which] = if reason.is_some() { failures[which] + 1 } else { 0 };
            let after = fleet.state(&id(name)).unwrap();
            match (reason, failures[which]) {
                (None, _) => prop_assert_eq!(after.status, Status::Online),
                (Some(_), 1) => prop_assert_eq!(after, &before),
                (Some(reason), 3..) => prop_assert_eq!((after.status, after.reason), (Status::of(reason), Some(reason))),
                (Some(_), _) => {}
            }
            prop_assert_eq!(change.is_some(), after.status != before.status);
            prop_assert_eq!(after.since != before.since && pause > 0, after.status != before.status && pause > 0);
            prop_assert_eq!(after.reason.is_some(), !matches!(after.status, Status::Online | Status::Unknown));
        }
    }
}

fn seen(fleet: &mut Fleet, picture: Shown, seconds: i64) -> Status {
    fleet.observe(&Report {
        camera: id("front"),
        at: at(seconds),
        outcome: Ok(Sighting { picture, ..Sighting::default() }),
    });
    status(fleet, "front")
}

fn made() -> Shown {
    let print = crate::picture::Print::of(&image::RgbImage::from_fn(64, 48, |x, y| {
        image::Rgb([(x * 4) as u8, (y * 5) as u8, 90])
    }));
    Shown::Made(Arc::new(crate::camera::Glimpse { jpeg: bytes::Bytes::new(), print: Arc::new(print.unwrap()) }))
}

fn spoiled(undecodable: bool) -> Shown {
    Shown::Spoiled(Spoiled { undecodable, advice: "the camera sends noise".into() })
}

#[test]
fn a_picture_that_cannot_be_made_never_turns_a_frozen_camera_online() {
    let mut fleet = fleet(&["front"]);
    for second in [0, 30, 60] {
        seen(&mut fleet, made(), second);
    }
    assert_eq!(status(&fleet, "front"), Status::Frozen);
    for undecodable in [true, false] {
        assert_eq!(seen(&mut fleet, spoiled(undecodable), 90), Status::Frozen);
    }
    assert_eq!(seen(&mut fleet, made(), 120), Status::Frozen, "it still shows the same");
}

#[test]
fn pictures_of_which_none_was_ever_decoded_are_no_video_and_never_online() {
    let mut fleet = fleet(&["front"]);
    assert_eq!(seen(&mut fleet, spoiled(true), 0), Status::Unknown);
    assert_eq!(seen(&mut fleet, spoiled(false), 5), Status::Unknown, "noise fails in several ways");
    assert_eq!(seen(&mut fleet, spoiled(true), 10), Status::Unknown);
    assert_eq!(seen(&mut fleet, spoiled(true), 15), Status::NoVideo);
    assert_eq!(seen(&mut fleet, spoiled(false), 20), Status::NoVideo);
    let state = fleet.state(&id("front")).unwrap();
    assert_eq!((state.reason, state.detail.as_deref()), (Some(Reason::NoFrames), Some("the camera sends noise")));
    assert_eq!(seen(&mut fleet, made(), 25), Status::Online);
    for second in (30..60).step_by(5) {
        assert_eq!(seen(&mut fleet, spoiled(true), second), Status::Online, "it was decoded before");
    }
}

#[test]
fn video_that_cannot_be_shown_here_is_online() {
    let mut fleet = fleet(&["front"]);
    for second in (0..60).step_by(5) {
        assert_eq!(seen(&mut fleet, spoiled(false), second), Status::Online);
    }
}
