//! Timelines on a real file: what a stop in order and a kill leave, and that nothing is written while nothing happens.

use std::path::Path;
use std::time::Duration;

use camera_herald::camera::{
    CameraId, CameraState, Inventory, Reason, Recorder, Sighting, Status, Statuses, Timelines,
};
use camera_herald::store::Store;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::support::camera::camera;
use crate::support::herald::PATIENCE;

struct Rig {
    inventory: watch::Sender<Inventory>,
    statuses: watch::Sender<Statuses>,
    timelines: watch::Receiver<Timelines>,
    task: JoinSet<()>,
}

fn id(name: &str) -> CameraId {
    CameraId::new(name).unwrap()
}

fn inventory(names: &[&str]) -> Inventory {
    Inventory::new(names.iter().map(|name| camera(name, "rtsp://127.0.0.1:1/x")))
}

impl Rig {
    fn start(dir: &Path, names: &[&str]) -> Self {
        let (inventory, inventory_seen) = watch::channel(inventory(names));
        let now = Timestamp::now();
        let unknown = names.iter().map(|name| (id(name), CameraState::unknown(now))).collect();
        let (statuses, statuses_seen) = watch::channel(unknown);
        let (recorder, timelines) = Recorder::new(Store::open(dir).unwrap(), inventory_seen, statuses_seen);
        let mut task = JoinSet::new();
        task.spawn(recorder.run());
        Self { inventory, statuses, timelines, task }
    }

    fn becomes(&self, name: &str, status: Status) -> Timestamp {
        let since = Timestamp::now();
        let reason = (status == Status::Offline).then_some(Reason::Refused);
        let state = CameraState { status, reason, ..CameraState::unknown(since) };
        self.statuses.send_modify(|all| drop(all.insert(id(name), state)));
        since
    }

    async fn shows(&mut self, name: &str, statuses: &[Status]) -> Vec<Timestamp> {
        let wanted = |all: &Timelines| {
            all.get(&id(name))
                .is_some_and(|strip| strip.iter().map(|stretch| stretch.status).eq(statuses.iter().copied()))
        };
        let shown = timeout(PATIENCE, self.timelines.wait_for(wanted)).await.map(|shown| shown.map(|all| all.clone()));
        let all = shown.unwrap_or_else(|_| panic!("never {statuses:?}: {:?}", self.timelines.borrow())).unwrap();
        let from: Vec<_> = all[&id(name)].iter().map(|stretch| stretch.from).collect();
        // What is kept tells moments apart by the millisecond, and a real status takes longer than that to change.
        let last = from.iter().max().map_or(0, |last| last.as_millisecond());
        while Timestamp::now().as_millisecond() <= last + 1 {
            sleep(Duration::from_millis(1)).await;
        }
        from
    }

    /// The tracker ends, as at a stop in order.
    async fn stop(mut self) {
        drop(self.statuses);
        timeout(PATIENCE, self.task.join_next()).await.expect("the recorder ends").unwrap().unwrap();
    }

    /// As `kill -9` would.
    async fn kill(mut self) {
        self.task.shutdown().await;
    }
}

/// Rows of a camera, looked at from outside.
fn rows(dir: &Path, camera: &str) -> i64 {
    let connection = rusqlite::Connection::open(dir.join("herald.db")).unwrap();
    connection.query_row("SELECT count(*) FROM timeline WHERE camera = ?1", [camera], |row| row.get(0)).unwrap()
}

async fn has_rows(dir: &Path, camera: &str, count: i64) {
    let deadline = Instant::now() + PATIENCE;
    while rows(dir, camera) != count {
        assert!(Instant::now() < deadline, "{} rows of {camera}, not {count}", rows(dir, camera));
        sleep(Duration::from_millis(20)).await;
    }
}

fn close(a: Timestamp, b: Timestamp) -> bool {
    a.duration_since(b).abs() < SignedDuration::from_secs(1)
}

use Status::{Offline, Online, Unknown};

#[tokio::test]
async fn a_stop_in_order_and_a_kill_leave_what_is_known_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::start(dir.path(), &["front", "back"]);
    rig.shows("front", &[Unknown]).await;
    let online = rig.becomes("front", Online);
    rig.shows("front", &[Unknown, Online]).await;
    let stopped = Timestamp::now();
    rig.stop().await;

    let mut rig = Rig::start(dir.path(), &["front", "back"]);
    let from = rig.shows("front", &[Online, Unknown]).await;
    assert!(close(from[0], online) && close(from[1], stopped), "{from:?}");
    let offline = rig.becomes("front", Offline);
    rig.shows("front", &[Online, Unknown, Offline]).await;
    let last_sign = rig.becomes("back", Online);
    has_rows(dir.path(), "back", 1).await;
    rig.kill().await;

    let mut rig = Rig::start(dir.path(), &["front", "back"]);
    let from = rig.shows("front", &[Online, Unknown, Offline, Unknown]).await;
    assert!(close(from[2], offline) && close(from[3], last_sign), "{from:?}");
    let reason = rig.timelines.borrow()[&id("front")][2].reason;
    assert_eq!(reason, Some(Reason::Refused));
    rig.stop().await;
}

#[tokio::test]
async fn nothing_is_written_while_no_status_changes() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::start(dir.path(), &["front"]);
    rig.shows("front", &[Unknown]).await;
    rig.becomes("front", Online);
    rig.shows("front", &[Unknown, Online]).await;
    has_rows(dir.path(), "front", 1).await;
    let files = || {
        let mut all: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| !entry.file_name().to_string_lossy().ends_with("-shm"))
            .map(|entry| {
                (entry.file_name(), entry.metadata().unwrap().len(), entry.metadata().unwrap().modified().unwrap())
            })
            .collect();
        all.sort();
        all
    };
    let before = files();
    for milliseconds in 0..300 {
        rig.statuses.send_modify(|all| {
            let state = all.get_mut(&id("front")).unwrap();
            let latency = Duration::from_millis(milliseconds);
            state.sighting = Some(Sighting { latency, ..Sighting::default() });
            state.last_frame_at = Some(Timestamp::now());
        });
        tokio::task::yield_now().await;
    }
    // Longer than changes are gathered.
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!(files(), before);
    assert!(!rig.timelines.has_changed().unwrap(), "nobody is woken either");
    rig.stop().await;
}

#[tokio::test]
async fn a_camera_that_is_removed_leaves_no_row_whether_the_program_ran_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::start(dir.path(), &["front", "back", "yard"]);
    rig.shows("front", &[Unknown]).await;
    for name in ["front", "back", "yard"] {
        rig.becomes(name, Online);
        rig.shows(name, &[Unknown, Online]).await;
    }
    rig.inventory.send_replace(inventory(&["front", "yard"]));
    has_rows(dir.path(), "back", 0).await;
    has_rows(dir.path(), "front", 1).await;
    assert!(!rig.timelines.borrow().contains_key(&id("back")));
    rig.stop().await;

    let mut rig = Rig::start(dir.path(), &["front"]);
    has_rows(dir.path(), "yard", 0).await;
    rig.shows("front", &[Online, Unknown]).await;
    assert_eq!(rig.timelines.borrow().len(), 1);
    rig.stop().await;
}
