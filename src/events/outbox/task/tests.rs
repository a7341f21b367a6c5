//! The clock is an argument here; `tests/it/outbox.rs` has the real one.

use std::path::Path;

use jiff::tz::TimeZone;
use serde_json::{Map, json};
use tokio::sync::oneshot;

use super::*;
use crate::camera::inventory::tests::camera;
use crate::camera::{Camera, CameraId};
use crate::events::door::{Event, EventKind};
use crate::events::outbox::{Caps, History};
use crate::options::EventOptions;

const YARD: &str = "yard";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn inventory(ids: &[&str]) -> Inventory {
    Inventory::new(ids.iter().map(|id| Camera { name: format!("The {id}"), ..camera(id) }))
}

struct Rig {
    keeper: Keeper,
    outbox: Outbox,
    histories: watch::Receiver<Histories>,
    cameras: watch::Sender<Inventory>,
}

impl Rig {
    fn open(dir: &Path, zone: &str) -> Self {
        Self::with(dir, zone, Caps::default())
    }

    fn with(dir: &Path, zone: &str, caps: Caps) -> Self {
        let options = EventOptions { keep_days: 2, ..EventOptions::default() };
        let mut settings = Settings::new(&options, TimeZone::get(zone).unwrap());
        settings.caps = caps;
        let (cameras, seen) = watch::channel(inventory(&[YARD, "porch"]));
        let (keeper, outbox, histories) = Keeper::new(Store::open(dir).unwrap(), settings, seen);
        Self { keeper, outbox, histories, cameras }
    }

    async fn accept(&mut self, id: &str, happened: &str, now: &str) -> Result<Accepted, Refused> {
        self.accept_all(vec![event(YARD, id, at(happened), at(now))], at(now)).await.remove(0)
    }

    async fn accept_all(&mut self, events: Vec<Event>, now: Timestamp) -> Vec<Result<Accepted, Refused>> {
        let mut batch = Batch::default();
        let mut answers = Vec::new();
        for event in events {
            let (answer, answered) = oneshot::channel();
            batch.push(Submission { event, answer }, &self.cameras.borrow());
            answers.push(answered);
        }
        self.keeper.commit(batch, now).await;
        answers.into_iter().map(|mut answered| answered.try_recv().unwrap()).collect()
    }

    async fn deliver(&mut self, rows: Vec<i64>, now: &str) {
        let (answer, mut answered) = oneshot::channel();
        self.keeper.deliver(Delivery { rows, answer }, at(now)).await;
        answered.try_recv().unwrap().unwrap();
    }

    fn yard(&self) -> History {
        self.histories.borrow()[&CameraId::new(YARD).unwrap()].clone()
    }

    fn counts(&self) -> (u64, u64) {
        (self.yard().today, self.yard().this_week)
    }
}

fn event(camera: &str, id: &str, timestamp: Timestamp, received: Timestamp) -> Event {
    Event {
        camera: CameraId::new(camera).unwrap(),
        event_id: id.to_owned(),
        timestamp,
        received,
        kind: EventKind::Person,
        description: Some(format!("Somebody, {id}")),
        fields: Map::from_iter([("confidence".to_owned(), json!(80))]),
        picture: Some(bytes::Bytes::from(vec![7; 1_000])),
    }
}

#[tokio::test]
async fn counts_start_over_at_local_midnight_and_on_local_monday() {
    for (zone, saturday, sunday_before_midnight, monday) in [
        ("UTC", "2026-11-28T12:00:00Z", "2026-11-29T23:59:59Z", "2026-11-30T00:00:00Z"),
        ("Pacific/Auckland", "2026-11-28T12:00:00+13:00", "2026-11-29T23:59:59+13:00", "2026-11-30T00:00:00+13:00"),
        // The Sundays on which DST begins or ends.
        ("Pacific/Auckland", "2026-09-26T12:00:00+12:00", "2026-09-27T23:59:59+13:00", "2026-09-28T00:00:00+13:00"),
        ("Pacific/Auckland", "2026-04-04T12:00:00+13:00", "2026-04-05T23:59:59+12:00", "2026-04-06T00:00:00+12:00"),
        ("America/St_Johns", "2026-03-07T12:00:00-03:30", "2026-03-08T23:59:59-02:30", "2026-03-09T00:00:00-02:30"),
        ("America/St_Johns", "2026-10-31T12:00:00-02:30", "2026-11-01T23:59:59-03:30", "2026-11-02T00:00:00-03:30"),
        ("Europe/Berlin", "2026-03-28T12:00:00+01:00", "2026-03-29T23:59:59+02:00", "2026-03-30T00:00:00+02:00"),
        ("Europe/Berlin", "2026-10-24T12:00:00+02:00", "2026-10-25T23:59:59+01:00", "2026-10-26T00:00:00+01:00"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut rig = Rig::open(dir.path(), zone);
        rig.keeper.keep_up(at(saturday)).await;
        rig.accept("a", saturday, saturday).await.unwrap();
        assert_eq!(rig.counts(), (1, 1), "{zone} {saturday}");
        // Over Sunday's midnight, and events on Sunday.
        rig.keeper.keep_up(at(sunday_before_midnight)).await;
        assert_eq!(rig.counts(), (0, 1), "{zone} {saturday}");
        rig.accept("b", sunday_before_midnight, sunday_before_midnight).await.unwrap();
        assert_eq!(rig.counts(), (1, 2), "{zone} {saturday}");
        let next = rig.keeper.keep_up(at(sunday_before_midnight)).await;
        assert!(
            next <= Duration::from_millis(1_001),
            "{zone} {saturday}: the next midnight is a second away: {next:?}"
        );
        rig.keeper.keep_up(at(monday)).await;
        assert_eq!(rig.counts(), (0, 0), "{zone} {saturday}");
        rig.accept("c", monday, monday).await.unwrap();
        assert_eq!(rig.counts(), (1, 1), "{zone} {saturday}");
    }
}

#[tokio::test]
async fn nobody_is_woken_when_midnight_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path(), "UTC");
    rig.keeper.keep_up(at("2026-11-24T10:00:00Z")).await;
    rig.histories.mark_unchanged();
    rig.keeper.keep_up(at("2026-11-25T00:00:00Z")).await;
    assert!(!rig.histories.has_changed().unwrap());
}

#[tokio::test]
async fn an_activity_survives_a_restart_and_ends_at_its_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path(), "UTC");
    rig.keeper.keep_up(at("2026-11-24T10:00:00Z")).await;
    rig.accept("a", "2026-11-24T10:00:00Z", "2026-11-24T10:00:01Z").await.unwrap();
    let before = rig.yard();
    assert_eq!(before.active_until, Some(at("2026-11-24T10:05:00Z")));
    drop(rig);

    let mut rig = Rig::open(dir.path(), "UTC");
    let next = rig.keeper.keep_up(at("2026-11-24T10:04:30Z")).await;
    assert_eq!(rig.yard(), before, "a restart changes nothing that Home Assistant was told");
    assert_eq!(next, Duration::from_millis(30_001));
    rig.histories.mark_unchanged();
    rig.keeper.keep_up(at("2026-11-24T10:05:00Z")).await;
    assert!(rig.histories.has_changed().unwrap());
    assert_eq!(rig.yard().active_until, None);
    drop(rig);

    // The deadline passes while nothing runs.
    let mut rig = Rig::open(dir.path(), "UTC");
    rig.keeper.keep_up(at("2026-11-24T12:00:00Z")).await;
    assert_eq!(rig.yard().active_until, None);
    assert_eq!((rig.yard().last, rig.counts()), (before.last, (1, 1)));
}

#[tokio::test]
async fn a_delivery_is_part_of_the_history() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path(), "UTC");
    let now = "2026-11-24T10:00:00Z";
    rig.keeper.keep_up(at(now)).await;
    rig.accept("a", now, now).await.unwrap();
    rig.accept("b", now, now).await.unwrap();
    assert_eq!((rig.yard().delivered, *rig.outbox.waiting().borrow()), (None, 2));
    let rows: Vec<i64> = rig.outbox.next(0, 10).await.unwrap().iter().map(|waiting| waiting.row).collect();
    rig.deliver(rows[..1].to_vec(), now).await;
    assert_eq!(*rig.outbox.waiting().borrow(), 1);
    let delivered = rig.yard().delivered.unwrap();
    let body: serde_json::Value = serde_json::from_str(&delivered).unwrap();
    assert_eq!((&body["event_id"], &body["camera_name"]), (&json!("a"), &json!("The yard")));
    // Again, and rows that nobody knows: nothing happens.
    rig.deliver(vec![rows[0], 999], now).await;
    assert_eq!(*rig.outbox.waiting().borrow(), 1);
    drop(rig);
    let mut rig = Rig::open(dir.path(), "UTC");
    rig.keeper.keep_up(at(now)).await;
    assert_eq!(rig.yard().delivered.unwrap(), delivered);
}

#[tokio::test]
async fn what_is_too_old_goes_and_what_still_waits_never_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path(), "UTC");
    // keep_days is 2; a Friday two weeks before, and a Monday whose week is not over.
    let (old, monday, thursday) = ("2026-11-13T10:00:00Z", "2026-11-23T10:00:00Z", "2026-11-26T10:00:00Z");
    rig.keeper.keep_up(at(old)).await;
    let many = (0..1_200).map(|n| event(YARD, &format!("old {n}"), at(old), at(old))).collect();
    assert!(rig.accept_all(many, at(old)).await.iter().all(Result::is_ok));
    rig.deliver((1..=700).collect(), old).await;
    rig.accept("monday", monday, monday).await.unwrap();

    let mut rounds = 0;
    rig.keeper.state.clock = Clock::default();
    while rig.keeper.keep_up(at(thursday)).await < Duration::from_secs(1) {
        rounds += 1;
    }
    assert!((1..10).contains(&rounds), "in steps: {rounds}");
    assert_eq!(rig.outbox.recent(&CameraId::new(YARD).unwrap(), 5).await.unwrap().len(), 5);
    assert_eq!(*rig.outbox.waiting().borrow(), 501);
    assert_eq!(rig.counts(), (0, 1), "what counts for this week stays");
    // A row is never used twice.
    rig.accept("new", thursday, thursday).await.unwrap();
    let rows: Vec<i64> = rig.outbox.next(0, 10).await.unwrap().iter().map(|waiting| waiting.row).collect();
    assert_eq!(rows[..2], [701, 702], "the oldest that waits is as good as the newest");
}

#[tokio::test]
async fn a_clock_that_jumps_deletes_nothing_of_the_history() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path(), "UTC");
    let (now, later) = ("2026-11-26T10:00:00Z", "2027-01-06T10:00:00Z");
    rig.keeper.keep_up(at(now)).await;
    rig.accept("a", now, now).await.unwrap();
    rig.accept("waits", now, now).await.unwrap();
    let row = rig.outbox.next(0, 1).await.unwrap()[0].row;
    rig.deliver(vec![row], now).await;
    let yard = CameraId::new(YARD).unwrap();
    rig.keeper.keep_up(at(later)).await;
    assert_eq!(rig.outbox.recent(&yard, 5).await.unwrap().len(), 2, "a jump");
    rig.keeper.state.clock = Clock::default();
    rig.keeper.state.tidy_at = at(later);
    rig.keeper.keep_up(at(later)).await;
    let left = rig.outbox.recent(&yard, 5).await.unwrap();
    assert_eq!(left.iter().map(|event| event.event_id.as_str()).collect::<Vec<_>>(), ["waits"], "six weeks");
}

#[tokio::test]
async fn a_table_that_cannot_be_read_is_tried_once_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path(), "UTC");
    let now = at("2026-11-26T10:00:00Z");
    let other = rusqlite::Connection::open(dir.path().join("herald.db")).unwrap();
    other.execute_batch("ALTER TABLE events RENAME TO away").unwrap();
    for _ in 0..3 {
        assert!(rig.keeper.keep_up(now).await >= LOAD_AGAIN);
        assert_eq!(rig.keeper.state.loaded, None);
    }
}

#[tokio::test]
async fn the_file_gives_unused_space_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path(), "UTC");
    let (old, now) = ("2026-11-02T10:00:00Z", "2026-11-26T10:00:00Z");
    rig.keeper.keep_up(at(old)).await;
    for n in 0..30 {
        let mut large = event(YARD, &format!("{n}"), at(old), at(old));
        large.picture = Some(vec![1; 1_000_000].into());
        rig.accept_all(vec![large], at(old)).await.remove(0).unwrap();
    }
    rig.deliver((1..=30).collect(), old).await;
    rig.keeper.state.clock = Clock::default();
    let mut steps = 0;
    while rig.keeper.keep_up(at(now)).await < Duration::from_secs(1) {
        steps += 1;
    }
    assert!((10..40).contains(&steps), "in steps: {steps}");
    drop(rig);
    let file = || std::fs::metadata(dir.path().join("herald.db")).unwrap().len();
    // The thread closes the file, and with it the log goes into the file, in its own time.
    for _ in 0..500 {
        if file() < 6_000_000 && !dir.path().join("herald.db-wal").exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} bytes", file());
}

#[tokio::test]
async fn a_clock_that_was_wrong_does_not_expire_what_came_just_now() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path(), "UTC");
    let now = "2026-11-26T10:00:00Z";
    rig.keeper.keep_up(at(now)).await;
    rig.accept("camera without a clock", "1970-01-01T00:00:07Z", now).await.unwrap();
    rig.keeper.state.tidy_at = at(now);
    rig.keeper.keep_up(at(now)).await;
    assert_eq!(*rig.outbox.waiting().borrow(), 1);
}

#[tokio::test]
async fn the_newest_fifty_pictures_of_a_camera_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path(), "UTC");
    let now = "2026-11-26T10:00:00Z";
    rig.keeper.keep_up(at(now)).await;
    let many = (0..120).map(|n| event(YARD, &format!("{n}"), at(now), at(now))).collect();
    rig.accept_all(many, at(now)).await;
    rig.accept_all(vec![event("porch", "1", at(now), at(now))], at(now)).await;
    rig.deliver((1..=60).collect(), now).await;
    rig.deliver((61..=80).chain([121]).collect(), now).await;
    let kept = rusqlite::Connection::open(dir.path().join("herald.db"))
        .unwrap()
        .prepare("SELECT row FROM pictures ORDER BY row")
        .unwrap()
        .query_map([], |row| row.get::<_, i64>(0))
        .unwrap()
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    assert_eq!(kept, (31..=121).collect::<Vec<_>>(), "50 delivered of the yard, what waits, and the porch's");
    assert!(rig.outbox.picture(&CameraId::new(YARD).unwrap()).await.unwrap().is_some());
    assert!(rig.outbox.next(0, 10).await.unwrap()[0].picture.is_some());
}

#[tokio::test]
async fn what_is_over_the_cap_is_refused_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::with(dir.path(), "UTC", Caps { events: 10, bytes: 1_000_000 });
    let now = "2026-11-26T10:00:00Z";
    rig.keeper.keep_up(at(now)).await;
    let many = (0..12).map(|n| event(YARD, &format!("{n}"), at(now), at(now))).collect();
    let answers = rig.accept_all(many, at(now)).await;
    assert!(answers[..10].iter().all(|answer| *answer == Ok(Accepted::New)));
    assert_eq!(answers[10..], [Err(Refused::Full), Err(Refused::Full)]);
    assert_eq!(rig.accept("3", now, now).await, Ok(Accepted::Duplicate), "what is there is there");
    assert_eq!((*rig.outbox.waiting().borrow(), rig.counts()), (10, (10, 10)));
    drop(rig);

    let mut rig = Rig::with(dir.path(), "UTC", Caps { events: 10, bytes: 1_000_000 });
    rig.keeper.keep_up(at(now)).await;
    assert_eq!(rig.accept("10", now, now).await, Err(Refused::Full), "the cap holds over a restart");
    rig.deliver(vec![1, 2], now).await;
    assert_eq!(rig.accept("10", now, now).await, Ok(Accepted::New));
}

#[tokio::test]
async fn bytes_have_a_cap_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::with(dir.path(), "UTC", Caps { events: 100, bytes: 4_500 });
    let now = "2026-11-26T10:00:00Z";
    rig.keeper.keep_up(at(now)).await;
    let many = (0..6).map(|n| event(YARD, &format!("{n}"), at(now), at(now))).collect();
    let accepted = rig.accept_all(many, at(now)).await.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(accepted, 3);
}

#[tokio::test]
async fn a_full_disk_refuses_all_of_a_batch_and_recovers_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path(), "UTC");
    let now = "2026-11-26T10:00:00Z";
    rig.keeper.keep_up(at(now)).await;
    rig.accept("before", now, now).await.unwrap();
    rig.keeper.store.limit_pages(1).await.unwrap();
    let many = || (0..50).map(|n| event(YARD, &format!("{n}"), at(now), at(now))).collect::<Vec<_>>();
    for answer in rig.accept_all(many(), at(now)).await {
        let Err(Refused::Storage(why)) = answer else { panic!("{answer:?}") };
        assert!(why.contains("full"), "{why}");
    }
    assert_eq!((*rig.outbox.waiting().borrow(), rig.counts()), (1, (1, 1)), "nothing half-written");
    assert_eq!(rig.outbox.next(0, 10).await.unwrap().len(), 1);
    // What the broker has is marked nevertheless, also in one batch with what fails.
    let (answer, mut answered) = oneshot::channel();
    let (submitted, mut refused) = oneshot::channel();
    let mut batch = Batch::default();
    batch.delivery = Some(Delivery { rows: vec![1], answer });
    let mut large = event(YARD, "large", at(now), at(now));
    large.picture = Some(vec![1; 100_000].into());
    batch.push(Submission { event: large, answer: submitted }, &rig.cameras.borrow());
    rig.keeper.commit(batch, at(now)).await;
    assert!(answered.try_recv().unwrap().is_ok());
    assert!(matches!(refused.try_recv().unwrap(), Err(Refused::Storage(_))));

    rig.keeper.store.limit_pages(1_000_000).await.unwrap();
    assert!(rig.accept_all(many(), at(now)).await.iter().all(|answer| *answer == Ok(Accepted::New)));
    assert_eq!(*rig.outbox.waiting().borrow(), 50);
    assert_eq!(rig.outbox.next(1, 1).await.unwrap()[0].event_id, "0");
}

#[tokio::test]
async fn a_file_that_breaks_while_it_is_used_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path(), "UTC");
    let now = "2026-11-26T10:00:00Z";
    rig.keeper.keep_up(at(now)).await;
    let many = (0..2_000).map(|n| event(YARD, &format!("{n}"), at(now), at(now))).collect();
    rig.accept_all(many, at(now)).await;
    // All of it into the file, and nothing of it in memory.
    let other = rusqlite::Connection::open(dir.path().join("herald.db")).unwrap();
    let checkpoint = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    assert_eq!(other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], checkpoint).unwrap(), 0);
    drop(other);
    let path = dir.path().join("herald.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4_096..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    // A page that is still in SQLite's memory may serve for a while; the broken ones come up soon.
    let mut refused = 0;
    while rig.keeper.store.generation() == 0 {
        let answer = rig.accept(&format!("x{refused}"), now, now).await;
        assert!(rig.outbox.next(0, 1_000).await.is_err() || answer.is_err() || refused < 100);
        refused += 1;
    }
    rig.keeper.keep_up(at(now)).await;
    assert_eq!((*rig.outbox.waiting().borrow(), rig.counts()), (0, (0, 0)));
    assert_eq!(rig.accept("after", now, now).await, Ok(Accepted::New));
    let waiting = rig.outbox.next(2_000, 10).await.unwrap();
    assert_eq!(waiting[0].event_id, "after", "rows go on growing for a reader that remembers the old ones");
    drop(rig);
    let broken =
        std::fs::read_dir(dir.path()).unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    assert!(broken.filter(|name| name.contains("broken") && name.ends_with(".db")).count() == 1);
}

#[tokio::test]
async fn cameras_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path(), "UTC");
    let now = "2026-11-26T10:00:00Z";
    rig.keeper.keep_up(at(now)).await;
    rig.accept("a", now, now).await.unwrap();
    rig.cameras.send(inventory(&["porch"])).unwrap();
    rig.keeper.state.loaded = None;
    rig.keeper.keep_up(at(now)).await;
    assert_eq!(rig.histories.borrow().len(), 1);
    rig.cameras.send(inventory(&["porch", YARD])).unwrap();
    rig.keeper.state.loaded = None;
    rig.keeper.keep_up(at(now)).await;
    assert_eq!(rig.counts(), (1, 1));
}
