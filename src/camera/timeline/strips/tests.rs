use super::*;

use Status::{Offline, Online, Unknown};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn front() -> CameraId {
    CameraId::new("front").unwrap()
}

fn mark(camera: &str, second: i64, status: &str) -> Mark {
    Mark { camera: camera.to_owned(), at: second * 1_000, status: status.to_owned(), reason: None }
}

fn kept(marks: &[(&str, i64, &str)]) -> Kept {
    Kept { marks: marks.iter().map(|(camera, at, status)| mark(camera, *at, status)).collect(), last_event: None }
}

/// The strip of `front` after a start at this second, as (second, status).
fn restored(kept: &Kept, now: i64) -> Vec<(i64, Status)> {
    let strips = Strips::restore([front()].into_iter(), kept, at(now));
    strips.of(&front()).unwrap().iter().map(|stretch| (stretch.from.as_second(), stretch.status)).collect()
}

#[test]
fn a_stop_in_order_leaves_a_gap_from_the_stop_to_the_start() {
    let kept = kept(&[("", 10, STARTED), ("", 100, STOPPED), ("front", 20, "online")]);
    assert_eq!(restored(&kept, 130), [(20, Online), (100, Unknown)]);
}

#[test]
fn after_a_kill_nothing_is_known_from_the_last_sign_of_life_on() {
    let mut killed = kept(&[("", 10, STARTED), ("front", 20, "online"), ("back", 60, "online")]);
    assert_eq!(restored(&killed, 130), [(20, Online), (60, Unknown)], "another camera was the last sign");
    killed.last_event = Some(90_000);
    assert_eq!(restored(&killed, 130), [(20, Online), (90, Unknown)], "an event was");
}

#[test]
fn every_start_of_the_day_has_its_gap() {
    let kept = kept(&[
        ("", 10, STARTED),
        ("front", 20, "online"),
        ("", 40, STOPPED),
        ("", 50, STARTED),
        ("front", 55, "offline"),
        ("back", 70, "online"),
        ("", 80, STARTED),
        ("front", 82, "online"),
    ]);
    assert_eq!(
        restored(&kept, 100),
        [(20, Online), (40, Unknown), (55, Offline), (70, Unknown)],
        "82 was the last word of a run that was killed, so it says nothing about the time after"
    );
}

#[test]
fn the_first_start_of_all_knows_nothing() {
    assert_eq!(restored(&kept(&[]), 100), [(100, Unknown)]);
}

#[test]
fn a_clock_that_was_ahead_does_not_count() {
    let kept = kept(&[("", 10, STARTED), ("front", 20, "online"), ("front", 9_999, "offline"), ("", 30, STOPPED)]);
    assert_eq!(restored(&kept, 100), [(20, Online), (30, Unknown)]);
}

#[test]
fn only_another_status_is_written() {
    let mut strips = Strips::restore([front()].into_iter(), &Kept::default(), at(0));
    let state = |status, since| CameraState { status, ..CameraState::unknown(at(since)) };
    let mut strip = |state: &CameraState| strips.see(&front(), state, at(100)).map(|mark| (mark.at, mark.status));
    assert_eq!(strip(&state(Online, 5)), Some((5_000, "online".to_owned())));
    assert_eq!(strip(&state(Online, 5)), None);
    assert_eq!(strip(&state(Offline, 50)), Some((50_000, "offline".to_owned())));
    let other = CameraId::new("other").unwrap();
    assert_eq!(strips.see(&other, &state(Online, 60), at(100)), None, "it is not in the inventory");
}

#[test]
fn a_day_keeps_the_stretch_in_which_it_began_and_a_wild_one_is_bounded() {
    let mut strips = Strips::restore([front()].into_iter(), &Kept::default(), at(0));
    let mut see = |status, since: i64| {
        let state = CameraState { status, ..CameraState::unknown(at(since)) };
        strips.see(&front(), &state, at(since));
        strips.of(&front()).unwrap()
    };
    see(Online, 10);
    see(Offline, 20);
    let strip = see(Online, 20 + 86_400);
    assert_eq!(strip.iter().map(|stretch| stretch.from).collect::<Vec<_>>(), [at(20), at(20 + 86_400)]);
    for n in 1..=2_000 {
        let strip = see(if n % 2 == 0 { Online } else { Offline }, 100_000 + n);
        assert!(strip.len() <= MOST);
    }
}

#[test]
fn a_clock_that_is_set_back_leaves_no_future() {
    let mut strips = Strips::restore([front()].into_iter(), &Kept::default(), at(0));
    for (status, since) in [(Online, 10), (Offline, 500), (Online, 300)] {
        strips.see(&front(), &CameraState { status, ..CameraState::unknown(at(since)) }, at(since));
    }
    let strip = strips.of(&front()).unwrap();
    assert_eq!(strip.iter().map(|stretch| stretch.from).collect::<Vec<_>>(), [at(0), at(10)]);
}

#[test]
fn a_camera_that_leaves_and_comes_back_begins_anew() {
    let mut strips = Strips::restore([front()].into_iter(), &Kept::default(), at(0));
    strips.see(&front(), &CameraState { status: Online, ..CameraState::unknown(at(5)) }, at(5));
    strips.set_cameras(std::iter::empty(), at(10));
    assert!(strips.all().is_empty());
    strips.set_cameras([front()].into_iter(), at(20));
    assert_eq!(strips.of(&front()).unwrap().len(), 1);
}
