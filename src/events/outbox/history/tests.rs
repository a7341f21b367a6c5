use proptest::prelude::*;
use serde_json::Map;

use super::*;
use crate::camera::CameraId;

const ACTIVITY: SignedDuration = SignedDuration::from_secs(300);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn event(id: &str, timestamp: Timestamp, received: Timestamp) -> Happened {
    Happened::new(&Event {
        camera: CameraId::new("yard").unwrap(),
        event_id: id.to_owned(),
        timestamp,
        received,
        kind: EventKind::Motion,
        description: None,
        fields: Map::new(),
        picture: None,
    })
}

fn add(past: &mut Past, id: &str, timestamp: &str, received: &str) {
    let now = at(received);
    past.add(&event(id, at(timestamp), now), ACTIVITY, Borders::around(now, &TimeZone::UTC), now);
}

#[test]
fn an_event_from_the_future_counts_as_of_now() {
    let mut past = Past::default();
    add(&mut past, "ahead", "2100-01-01T00:00:00Z", "2026-11-24T10:00:00Z");
    let history = past.history();
    assert_eq!(history.active_until, Some(at("2026-11-24T10:05:00Z")));
    assert_eq!((history.today, history.this_week), (1, 1));
    assert_eq!(history.last.as_ref().unwrap().timestamp, at("2026-11-24T10:00:00Z"));
    add(&mut past, "right", "2026-11-24T10:00:01Z", "2026-11-24T10:00:01Z");
    assert_eq!(past.history().last.as_ref().unwrap().event_id, "right");
}

#[test]
fn a_late_event_counts_for_its_day_and_leaves_the_last_one() {
    let mut past = Past::default();
    add(&mut past, "now", "2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z");
    add(&mut past, "monday", "2026-11-23T00:00:00Z", "2026-11-25T10:01:00Z");
    add(&mut past, "sunday", "2026-11-22T23:59:59Z", "2026-11-25T10:02:00Z");
    add(&mut past, "1970", "1970-01-01T00:00:00Z", "2026-11-25T10:03:00Z");
    let history = past.history();
    assert_eq!((history.today, history.this_week), (1, 2));
    assert_eq!(history.last.as_ref().unwrap().event_id, "now");
    assert_eq!(history.active_until, Some(at("2026-11-25T10:05:00Z")));
    assert_eq!(history.counted_at, Some(at("2026-11-25T10:01:00Z")));
}

#[test]
fn an_activity_ends_at_its_deadline() {
    let mut past = Past::default();
    add(&mut past, "a", "2026-11-25T10:00:00Z", "2026-11-25T10:00:02Z");
    assert!(!past.expire(ACTIVITY, at("2026-11-25T10:04:59.999Z")));
    assert!(past.expire(ACTIVITY, at("2026-11-25T10:05:00Z")));
    assert_eq!(past.history().active_until, None);
    assert!(!past.expire(ACTIVITY, at("2026-11-25T10:06:00Z")));
}

#[test]
fn an_activity_does_not_stick_when_the_clock_is_set_back() {
    let mut past = Past::default();
    add(&mut past, "a", "2031-01-01T00:00:00Z", "2031-01-01T00:00:00Z");
    assert!(past.expire(ACTIVITY, at("2026-11-25T10:00:00Z")));
    assert_eq!(past.history().active_until, None);
    add(&mut past, "b", "2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z");
    assert_eq!(past.history().last.as_ref().unwrap().event_id, "b");
}

#[test]
fn an_older_delivery_does_not_replace_a_newer_one() {
    let mut past = Past::default();
    past.delivered(7, "seven");
    past.delivered(3, "three");
    assert_eq!(past.history().delivered.as_deref(), Some("seven"));
}

proptest! {
    #[test]
    fn an_activity_never_lasts_longer_than_it_may(
        events in prop::collection::vec((-1_000_000_i64..1_000_000, -100_000_i64..100_000), 1..30),
    ) {
        let base = at("2026-11-25T10:00:00Z");
        let mut past = Past::default();
        for (offset, clock) in events {
            let now = base + SignedDuration::from_secs(clock);
            let borders = Borders::around(now, &TimeZone::UTC);
            past.expire(ACTIVITY, now);
            past.add(&event("e", now + SignedDuration::from_secs(offset), now), ACTIVITY, borders, now);
            if let Some(until) = past.history().active_until {
                prop_assert!(until > now && until <= now + ACTIVITY);
            }
            prop_assert!(past.history().today <= past.history().this_week);
        }
    }
}
