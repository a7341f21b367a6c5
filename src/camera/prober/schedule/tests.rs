//! Tables and properties of the schedule.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::camera::inventory::tests::streaming as camera;

const EVERY: Duration = Duration::from_secs(30);

fn cameras(count: usize) -> Inventory {
    Inventory::new((0..count).map(|i| camera(&format!("cam_{i}"))))
}

fn schedule(inventory: &Inventory, now: Instant) -> Schedule {
    let mut schedule = Schedule::new(now);
    schedule.set_inventory(inventory, now);
    schedule
}

/// Starts the next probe that is due at or after `now`, and says when.
fn next(schedule: &mut Schedule, now: Instant) -> (Instant, CameraId, Ticket) {
    let at = schedule.next_due().expect("something is due").max(now);
    let (camera, ticket) = schedule.start_next(at).expect("it is due now");
    (at, camera.id, ticket)
}

#[test]
fn a_new_camera_is_probed_at_once_and_then_once_per_interval() {
    let start = Instant::now();
    let mut schedule = schedule(&cameras(1), start);
    let mut last = None;
    for round in 0..10 {
        let (at, id, ticket) = next(&mut schedule, start);
        match (round, last) {
            (0, _) => assert_eq!(at, start),
            (1, _) => assert!(at > start + EVERY / 2 && at <= start + EVERY * 3 / 2),
            (_, Some(last)) => assert_eq!(at - last, EVERY),
            (_, None) => unreachable!(),
        }
        assert!(schedule.ended(&id, ticket, End::Good, at + Duration::from_millis(300)));
        last = Some(at);
    }
}

#[test]
fn cameras_spread_over_the_interval() {
    let phases: BTreeSet<u64> = (0..100).map(|i| phase(&camera(&format!("cam_{i}")).id, EVERY).as_secs() / 3).collect();
    assert_eq!(phases.len(), 10, "every tenth of the interval has cameras");
}

#[test]
fn two_probes_come_soon_after_a_failure_and_no_more() {
    let start = Instant::now();
    for (every, pause) in [(EVERY, Duration::from_secs(3)), (Duration::from_secs(5), Duration::from_secs(1))] {
        let inventory = Inventory::new([Camera { check_every: every, ..camera("front") }]);
        let mut schedule = schedule(&inventory, start);
        let mut now = start;
        for _ in 0..CONFIRMATIONS {
            let (at, id, ticket) = next(&mut schedule, now);
            schedule.ended(&id, ticket, End::Failed, at);
            assert_eq!(schedule.next_due(), Some(at + pause));
            now = at;
        }
        for _ in 0..5 {
            let (at, id, ticket) = next(&mut schedule, now);
            schedule.ended(&id, ticket, End::Failed, at);
            assert!(schedule.next_due() > Some(at + every / 2), "the normal rhythm again");
            now = at;
        }
        let (at, id, ticket) = next(&mut schedule, now);
        schedule.ended(&id, ticket, End::Good, at);
        let (at, id, ticket) = next(&mut schedule, at);
        schedule.ended(&id, ticket, End::Failed, at);
        assert_eq!(schedule.next_due(), Some(at + pause), "a good probe arms it again");
    }
}

#[test]
fn at_most_eight_are_probed_at_once() {
    let now = Instant::now();
    let mut schedule = schedule(&cameras(40), now);
    let running: Vec<_> = std::iter::from_fn(|| schedule.start_next(now)).collect();
    assert_eq!(running.len(), AT_ONCE);
    assert_eq!(schedule.next_due(), None, "the end of a probe makes room, not time");
    let (camera, ticket) = &running[0];
    schedule.ended(&camera.id, *ticket, End::Good, now);
    assert!(schedule.start_next(now).is_some());
    assert!(schedule.start_next(now).is_none());
}

#[test]
fn a_removed_camera_has_no_report_and_a_changed_one_is_probed_again() {
    let now = Instant::now();
    let mut schedule = schedule(&cameras(2), now);
    let (first, first_ticket) = schedule.start_next(now).unwrap();
    let (second, second_ticket) = schedule.start_next(now).unwrap();
    let changed = Camera { check_every: EVERY * 2, ..second.clone() };
    schedule.set_inventory(&Inventory::new([changed.clone()]), now);
    assert_eq!(schedule.outdated().collect::<Vec<_>>(), [first_ticket, second_ticket]);

    assert!(schedule.start_next(now).is_none(), "the old probe of the changed camera is still under way");
    assert!(!schedule.ended(&first.id, first_ticket, End::Failed, now));
    assert!(!schedule.ended(&second.id, second_ticket, End::Failed, now));
    assert_eq!(schedule.start_next(now).map(|(camera, _)| camera), Some(changed));
}

#[test]
fn a_request_brings_a_probe_forward_but_never_doubles_it() {
    let now = Instant::now();
    let mut schedule = schedule(&cameras(2), now);
    let (first, ticket) = schedule.start_next(now).unwrap();
    let (second, second_ticket) = schedule.start_next(now).unwrap();
    schedule.ended(&first.id, ticket, End::Good, now);
    assert!(schedule.start_next(now).is_none());
    schedule.request(&ProbeRequest::One(first.id.clone()), now);
    let now = now + ASKED_EVERY;
    assert_eq!(schedule.start_next(now).map(|(camera, _)| camera.id), Some(first.id));
    schedule.request(&ProbeRequest::All, now);
    assert!(schedule.start_next(now).is_none(), "both are under way");
    schedule.ended(&second.id, second_ticket, End::Good, now);
    assert!(schedule.start_next(now).is_none(), "the probe under way was the answer");
}

#[test]
fn a_flood_of_requests_asks_a_camera_rarely_and_one_that_refuses_the_password_hardly_ever() {
    for (end, probes) in [(End::Good, 13), (End::Refused, 4)] {
        let start = Instant::now();
        let inventory = Inventory::new([Camera { check_every: Duration::from_secs(3_600), ..camera("front") }]);
        let mut schedule = schedule(&inventory, start);
        let mut started = 0;
        for tenth in 0..600 {
            let now = start + Duration::from_millis(tenth * 100);
            schedule.request(&ProbeRequest::All, now);
            if let Some((camera, ticket)) = schedule.start_next(now) {
                started += 1;
                schedule.ended(&camera.id, ticket, end, now);
            }
        }
        assert!(started < probes, "{started} probes in a minute after {end:?}");
    }
}

#[test]
fn a_camera_that_only_pushes_events_is_never_probed() {
    let now = Instant::now();
    let mut schedule = schedule(&Inventory::new([Camera { stream: None, ..camera("bell") }]), now);
    assert_eq!(schedule.next_due(), None);
    assert!(schedule.start_next(now).is_none());
}

#[derive(Debug, Clone)]
enum Step {
    Inventory(Vec<(u8, bool)>),
    Request(Option<u8>),
    Wait(u16),
    End(u8, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        prop::collection::vec((0..20_u8, any::<bool>()), 0..20).prop_map(Step::Inventory),
        prop::option::of(0..20_u8).prop_map(Step::Request),
        (0..20_000_u16).prop_map(Step::Wait),
        (any::<u8>(), any::<bool>()).prop_map(|(which, good)| Step::End(which, good)),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    #[test]
    fn never_two_on_one_camera_and_never_more_than_eight(steps in steps()) {
        let mut now = Instant::now();
        let mut schedule = Schedule::new(now);
        let mut running: Vec<(CameraId, Ticket)> = Vec::new();
        for step in steps {
            match step {
                Step::Inventory(wanted) => {
                    let wanted: BTreeMap<_, _> = wanted.into_iter().collect();
                    let inventory = Inventory::new(wanted.into_iter().map(|(i, slow)| Camera {
                        check_every: if slow { EVERY * 2 } else { EVERY },
                        ..camera(&format!("cam_{i}"))
                    }));
                    schedule.set_inventory(&inventory, now);
                }
                Step::Request(None) => schedule.request(&ProbeRequest::All, now),
                Step::Request(Some(i)) => schedule.request(&ProbeRequest::One(camera(&format!("cam_{i}")).id), now),
                Step::Wait(ms) => now += Duration::from_millis(ms.into()),
                Step::End(which, good) if !running.is_empty() => {
                    let (id, ticket) = running.remove(usize::from(which) % running.len());
                    schedule.ended(&id, ticket, if good { End::Good } else { End::Failed }, now);
                }
                Step::End(..) => {}
            }
            while let Some((camera, ticket)) = schedule.start_next(now) {
                prop_assert!(running.iter().all(|(id, _)| *id != camera.id), "two on {}", camera.id);
                running.push((camera.id, ticket));
                prop_assert!(running.len() <= AT_ONCE);
            }
            if let Some(due) = schedule.next_due() {
                prop_assert!(due > now, "what is due was started");
                prop_assert!(due <= now + EVERY * 3, "nobody is forgotten");
            }
        }
    }
}
