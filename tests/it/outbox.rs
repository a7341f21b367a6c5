//! The outbox on real files: accepted means on disk, in order, once; whatever happens to the process or the file.

use std::fs;
use std::path::Path;
use std::time::Duration;

use camera_herald::camera::{Camera, CameraId, Inventory};
use camera_herald::events::door::{Accepted, Event, EventKind, Refused, Submission};
use camera_herald::events::outbox::{Histories, Keeper, Outbox, Settings, Waiting};
use camera_herald::options::EventOptions;
use camera_herald::store::Store;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::support::camera::push_camera;

struct Rig {
    submit: mpsc::Sender<Submission>,
    outbox: Outbox,
    histories: watch::Receiver<Histories>,
    store: Store,
    task: JoinSet<()>,
    _cameras: watch::Sender<Inventory>,
}

impl Rig {
    fn start(dir: &Path) -> Self {
        Self::with(dir, Duration::from_secs(300))
    }

    fn with(dir: &Path, activity: Duration) -> Self {
        let store = Store::open(dir).unwrap();
        let options = EventOptions { activity, ..EventOptions::default() };
        let (cameras, inventory) = watch::channel(Inventory::new(["yard", "porch"].map(camera)));
        let (keeper, outbox, histories) = Keeper::new(store.clone(), Settings::new(&options, TimeZone::UTC), inventory);
        let (submit, submissions) = mpsc::channel(256);
        let mut task = JoinSet::new();
        task.spawn(keeper.run(submissions));
        Self { submit, outbox, histories, store, task, _cameras: cameras }
    }

    async fn accept(&self, camera: &str, id: &str) -> Result<Accepted, Refused> {
        accept(&self.submit, event(camera, id)).await
    }

    async fn waiting(&self) -> Vec<Waiting> {
        let mut all: Vec<Waiting> = Vec::new();
        loop {
            let next = self.outbox.next(all.last().map_or(0, |last| last.row), 100).await.unwrap();
            if next.is_empty() {
                return all;
            }
            all.extend(next);
        }
    }

    async fn stop(mut self) {
        drop(self.submit);
        self.task.join_next().await.unwrap().unwrap();
    }
}

async fn accept(submit: &mpsc::Sender<Submission>, event: Event) -> Result<Accepted, Refused> {
    let (answer, answered) = oneshot::channel();
    submit.send(Submission { event, answer }).await.unwrap();
    answered.await.unwrap()
}

fn camera(id: &str) -> Camera {
    Camera { name: id.to_uppercase(), ..push_camera(id) }
}

fn event(camera: &str, id: &str) -> Event {
    let now = Timestamp::now();
    Event {
        camera: CameraId::new(camera).unwrap(),
        event_id: id.to_owned(),
        timestamp: now,
        received: now,
        kind: EventKind::Motion,
        description: None,
        fields: Map::from_iter([("confidence".to_owned(), json!(80))]),
        picture: None,
    }
}

fn ids(waiting: &[Waiting]) -> Vec<&str> {
    waiting.iter().map(|waiting| waiting.event_id.as_str()).collect()
}

#[tokio::test]
async fn an_event_is_accepted_once_and_waits_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    for id in ["c", "a", "b"] {
        assert_eq!(rig.accept("yard", id).await, Ok(Accepted::New));
    }
    assert_eq!(rig.accept("yard", "a").await, Ok(Accepted::Duplicate));
    assert_eq!(rig.accept("porch", "a").await, Ok(Accepted::New), "an id is one of its camera");
    assert_eq!(*rig.outbox.waiting().borrow(), 4);
    let waiting = rig.waiting().await;
    assert_eq!(ids(&waiting), ["c", "a", "b", "a"]);
    rig.outbox.delivered(waiting[..3].iter().map(|waiting| waiting.row).collect()).await.unwrap();
    assert_eq!(ids(&rig.waiting().await), ["a"]);
    assert_eq!(rig.accept("yard", "b").await, Ok(Accepted::Duplicate), "also after its delivery");
    let yard = rig.histories.borrow()[&CameraId::new("yard").unwrap()].clone();
    assert_eq!((yard.today, yard.delivered.as_ref()), (3, Some(&waiting[2].body)));
    rig.stop().await;
}

#[tokio::test]
async fn sixty_four_senders_share_commits_and_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let mut senders = JoinSet::new();
    for sender in 0..64 {
        let submit = rig.submit.clone();
        senders.spawn(async move {
            for n in 0..20 {
                let event = event(&format!("camera_{sender}"), &n.to_string());
                assert_eq!(accept(&submit, event).await, Ok(Accepted::New));
            }
        });
    }
    senders.join_all().await;
    let commits = rig.outbox.figures().commits;
    assert!(commits < 64 * 20 / 4, "{commits} commits for {} events", 64 * 20);
    let waiting = rig.waiting().await;
    assert_eq!(waiting.len(), 64 * 20);
    for sender in 0..64 {
        let camera = CameraId::new(&format!("camera_{sender}")).unwrap();
        let order: Vec<u32> = waiting
            .iter()
            .filter(|waiting| waiting.camera == camera)
            .map(|waiting| waiting.event_id.parse().unwrap())
            .collect();
        assert_eq!(order, (0..20).collect::<Vec<_>>());
    }
    rig.stop().await;
}

#[tokio::test]
async fn what_was_accepted_outlives_a_task_that_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let mut accepted = Vec::new();
    for round in 0..10 {
        let mut rig = Rig::start(dir.path());
        let mut senders = JoinSet::new();
        for sender in 0..8 {
            let submit = rig.submit.clone();
            senders.spawn(async move {
                let mut accepted = Vec::new();
                for n in 0.. {
                    let id = format!("{round}-{sender}-{n}");
                    let (answer, answered) = oneshot::channel();
                    let submission = Submission { event: event("yard", &id), answer };
                    if submit.send(submission).await.is_err() || answered.await.is_err() {
                        break;
                    }
                    accepted.push(id);
                }
                accepted
            });
        }
        tokio::time::sleep(Duration::from_millis(20 + round * 7)).await;
        rig.task.abort_all();
        while rig.task.join_next().await.is_some() {}
        accepted.extend(senders.join_all().await.into_iter().flatten());
    }
    let rig = Rig::start(dir.path());
    let waiting = rig.waiting().await;
    let waiting = ids(&waiting);
    assert!(accepted.len() > 80, "{}", accepted.len());
    assert!(accepted.iter().all(|id| waiting.contains(&id.as_str())));
    // What was on its way when the task was cut off may be there without an answer: one for each sender and round.
    assert!(waiting.len() <= accepted.len() + 80, "{} of {}", accepted.len(), waiting.len());
    rig.stop().await;
}

#[tokio::test]
async fn a_torn_log_opens_with_what_came_before_the_tear() {
    let (dir, torn) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let rig = Rig::start(dir.path());
    for n in 0..30 {
        rig.accept("yard", &n.to_string()).await.unwrap();
    }
    // As after a power cut: the file and its log, while the log is in use.
    for name in ["herald.db", "herald.db-wal"] {
        fs::copy(dir.path().join(name), torn.path().join(name)).unwrap();
    }
    let wal = torn.path().join("herald.db-wal");
    let length = fs::metadata(&wal).unwrap().len();
    fs::OpenOptions::new().write(true).open(&wal).unwrap().set_len(length - 3_000).unwrap();
    rig.stop().await;

    let rig = Rig::start(torn.path());
    let waiting = rig.waiting().await;
    assert_eq!(ids(&waiting), (0..29).map(|n| n.to_string()).collect::<Vec<_>>(), "all but the torn one");
    assert_eq!(rig.accept("yard", "29").await, Ok(Accepted::New));
    rig.stop().await;
}

#[tokio::test]
async fn an_older_copy_of_the_file_gives_no_number_away_a_second_time() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let rig = Rig::start(dir.path());
    rig.accept("yard", "before").await.unwrap();
    for name in ["herald.db", "herald.db-wal"] {
        fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    for id in ["after", "later"] {
        rig.accept("yard", id).await.unwrap();
    }
    let given = rig.waiting().await;
    rig.stop().await;

    let rig = Rig::start(copy.path());
    rig.accept("yard", "new").await.unwrap();
    let waiting = rig.waiting().await;
    assert_eq!(ids(&waiting), ["before", "new"]);
    assert_eq!(waiting[1].outbox, given[2].outbox, "nothing tells that it is a copy");
    assert!(waiting[1].row > given[2].row, "{} after {}", waiting[1].row, given[2].row);
    rig.stop().await;
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers_while_running() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    rig.accept("yard", "before").await.unwrap();
    rig.store.limit_pages(1).await.unwrap();
    let mut large = event("yard", "large");
    large.picture = Some(vec![1; 200_000].into());
    let refused = accept(&rig.submit, large.clone()).await;
    assert!(matches!(&refused, Err(Refused::Storage(why)) if why.contains("full")), "{refused:?}");
    assert_eq!(ids(&rig.waiting().await), ["before"]);
    rig.store.limit_pages(1_000_000).await.unwrap();
    assert_eq!(accept(&rig.submit, large).await, Ok(Accepted::New));
    assert_eq!(rig.waiting().await[1].picture, Some(200_000));
    rig.stop().await;
}

#[tokio::test]
async fn a_data_dir_of_no_use_refuses_events_and_serves_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::write(&data, "a file where the directory should be").unwrap();
    let rig = Rig::start(&data);
    assert!(matches!(rig.accept("yard", "a").await, Err(Refused::Storage(_))), "no yes without a disk");
    fs::remove_file(&data).unwrap();
    fs::create_dir(&data).unwrap();
    let accepted = async {
        while rig.accept("yard", "a").await != Ok(Accepted::New) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), accepted).await.unwrap();
    rig.stop().await;
    assert_eq!(ids(&Rig::start(&data).waiting().await), ["a"]);
}

#[tokio::test]
async fn everything_that_was_submitted_is_answered_before_the_task_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::start(dir.path());
    let mut answers = Vec::new();
    for n in 0..200 {
        let (answer, answered) = oneshot::channel();
        rig.submit.send(Submission { event: event("yard", &n.to_string()), answer }).await.unwrap();
        answers.push(answered);
    }
    let waiting = rig.outbox.clone();
    drop(rig.submit);
    rig.task.join_next().await.unwrap().unwrap();
    assert!(answers.into_iter().all(|mut answered| answered.try_recv() == Ok(Ok(Accepted::New))));
    // A last delivery is written although the task has ended.
    waiting.delivered((1..=150).collect()).await.unwrap();
    drop((waiting, rig.outbox, rig.store));
    assert_eq!(Rig::start(dir.path()).waiting().await.len(), 50);
}

#[tokio::test]
async fn an_activity_ends_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::with(dir.path(), Duration::from_millis(700));
    let yard = CameraId::new("yard").unwrap();
    rig.accept("yard", "a").await.unwrap();
    assert!(rig.histories.borrow_and_update()[&yard].active_until.is_some());
    tokio::time::timeout(Duration::from_secs(5), rig.histories.changed()).await.unwrap().unwrap();
    assert_eq!(rig.histories.borrow()[&yard].active_until, None);
    rig.stop().await;
}

/// A mount of its own needs rights that not everybody has; without them this test sees nothing and says so.
#[test]
fn a_small_disk_fills_and_empties() {
    let dir = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=8m tmpfs \"$SMALL_DISK\" || exit 77; \
                  exec \"$0\" --exact outbox::on_a_small_disk --ignored --nocapture";
    let ended = std::process::Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("SMALL_DISK", dir.path())
        .output();
    match ended {
        Ok(ended) if ended.status.success() => {}
        Ok(ended) if [Some(1), Some(77)].contains(&ended.status.code()) => println!("no mount here: {ended:?}"),
        Ok(ended) => panic!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr)),
        Err(error) => println!("no mount here: {error}"),
    }
}

#[tokio::test]
#[ignore = "a_small_disk_fills_and_empties runs it where the disk is small"]
async fn on_a_small_disk() {
    let dir = std::path::PathBuf::from(std::env::var_os("SMALL_DISK").unwrap());
    let ballast = dir.join("ballast");
    let with_picture = |id: &str| Event { picture: Some(vec![1; 100_000].into()), ..event("yard", id) };

    // Full before the start: nothing is taken until there is space, and then without a restart.
    assert!(fs::write(&ballast, vec![0; 9_000_000]).is_err(), "the disk is larger than it should be");
    let rig = Rig::start(&dir);
    assert!(matches!(rig.accept("yard", "early").await, Err(Refused::Storage(_))));
    fs::remove_file(&ballast).unwrap();
    let accepted = async {
        while rig.accept("yard", "early").await != Ok(Accepted::New) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), accepted).await.unwrap();

    // Filled by events and somebody else, while it runs.
    fs::write(&ballast, vec![0; 5_000_000]).unwrap();
    let mut taken = vec!["early".to_owned()];
    let refused = loop {
        let id = format!("{}", taken.len());
        match accept(&rig.submit, with_picture(&id)).await {
            Ok(_) => taken.push(id),
            Err(refused) => break refused,
        }
        assert!(taken.len() < 100, "the disk never fills");
    };
    assert!(matches!(&refused, Refused::Storage(why) if why.contains("full")), "{refused:?}");
    assert_eq!(ids(&rig.waiting().await), taken, "nothing half-written");
    fs::remove_file(&ballast).unwrap();
    assert_eq!(accept(&rig.submit, with_picture("after")).await, Ok(Accepted::New), "without a restart");
    taken.push("after".to_owned());

    // Stopped and started while it is full.
    assert!(fs::write(&ballast, vec![0; 9_000_000]).is_err());
    rig.stop().await;
    let rig = Rig::start(&dir);
    let rows = rig.waiting().await;
    println!("{} of {} are seen on the full disk", rows.len(), taken.len());
    fs::remove_file(&ballast).unwrap();
    let accepted = async {
        while rig.accept("yard", "last").await != Ok(Accepted::New) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), accepted).await.unwrap();
    taken.push("last".to_owned());
    let waiting = rig.waiting().await;
    assert_eq!(ids(&waiting), taken);
    rig.outbox.delivered(waiting.iter().map(|waiting| waiting.row).collect()).await.unwrap();
    assert_eq!(*rig.outbox.waiting().borrow(), 0);
    rig.stop().await;
    let check = rusqlite::Connection::open(dir.join("herald.db")).unwrap();
    let verdict: String = check.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

#[tokio::test]
async fn the_newest_fifty_events_of_a_camera_can_be_looked_at_each_with_its_own_picture() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let (yard, porch) = (CameraId::new("yard").unwrap(), CameraId::new("porch").unwrap());
    for n in 0..60 {
        let picture = (n % 2 == 1).then(|| bytes::Bytes::from(format!("picture {n}")));
        let event = Event { picture, ..event("yard", &format!("e{n}")) };
        assert_eq!(accept(&rig.submit, event).await, Ok(Accepted::New));
    }
    assert_eq!(rig.accept("porch", "p").await, Ok(Accepted::New));
    let delivered: Vec<i64> = rig.waiting().await.iter().take(20).map(|waiting| waiting.row).collect();
    rig.outbox.delivered(delivered).await.unwrap();

    let recent = rig.outbox.recent(&yard, 1_000).await.unwrap();
    let ids: Vec<&str> = recent.iter().map(|event| event.event_id.as_str()).collect();
    let expected: Vec<String> = (10..60).rev().map(|n| format!("e{n}")).collect();
    assert_eq!(ids, expected);
    assert_eq!(recent.iter().filter(|event| event.delivered).count(), 10);
    assert_eq!(recent.iter().filter(|event| event.has_picture).count(), 25);
    assert!(recent[0].body.contains("\"confidence\":80"), "{}", recent[0].body);
    let newest = &recent[0];
    assert_eq!(rig.outbox.picture_of(&yard, newest.row).await.unwrap().as_deref(), Some(&b"picture 59"[..]));
    assert_eq!(rig.outbox.picture_of(&porch, newest.row).await.unwrap(), None, "it is another camera's");
    assert_eq!(rig.outbox.picture_of(&yard, recent[1].row).await.unwrap(), None, "it had none");
    let last = rig.histories.borrow()[&yard].last.clone().unwrap();
    assert_eq!(last.picture, Some(newest.row));
    assert_eq!(rig.outbox.recent(&porch, 5).await.unwrap().len(), 1);
    rig.stop().await;

    let rig = Rig::start(dir.path());
    let mut histories = rig.histories.clone();
    let loaded = histories.wait_for(|all| all.get(&yard).is_some_and(|history| history.last.is_some())).await.unwrap();
    assert_eq!(loaded[&yard].last.as_ref(), Some(&last), "a restart changes nothing of it");
    drop(loaded);
    rig.stop().await;
}
