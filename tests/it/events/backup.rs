//! A hot backup as the Supervisor makes it: the files are copied one after the other while events come.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::seq::SliceRandom;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::delivery::base64;
use super::support::{event, start};
use crate::support::camera::jpeg;
use crate::support::herald::{Herald, PATIENCE, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};

/// How many backups are made.
const BACKUPS: usize = 4;

/// The patterns of `config.yaml`, as the Supervisor reads them (`PurePath.match` on a file's name).
fn is_excluded(name: &str) -> bool {
    let config = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.yaml")).unwrap();
    let config: serde_norway::Value = serde_norway::from_str(&config).unwrap();
    let patterns = config["backup_exclude"].as_sequence().unwrap().clone();
    patterns.iter().filter_map(|pattern| pattern.as_str()).any(|pattern| match pattern.split_once('*') {
        Some((head, tail)) => name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail),
        None => name == pattern,
    })
}

/// Copies the folder in any order, a piece of a file at a time, as a slow card does.
async fn back_up(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    let mut names: Vec<_> =
        fs::read_dir(from).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !is_excluded(name));
    names.shuffle(&mut rand::rng());
    for name in names {
        let mut source = fs::File::open(from.join(&name)).expect("no file vanishes while a backup runs");
        let mut copy = fs::File::create(to.path().join(&name)).unwrap();
        let mut piece = vec![0; 64 * 1_024];
        loop {
            let length = source.read(&mut piece).unwrap();
            if length == 0 {
                break;
            }
            copy.write_all(&piece[..length]).unwrap();
            sleep(Duration::from_millis(1)).await;
        }
    }
    to
}

/// Starts the program on a backup, stops it, and reads which events it has.
async fn restored(backup: TempDir, setup: Setup) -> BTreeSet<String> {
    let backup = Arc::new(backup);
    let mut herald = Herald::start_in(backup.clone(), setup).await;
    herald.says("Camera Herald has started", 1).await;
    assert_eq!(herald.terminate().await.0, Some(0));
    let database = rusqlite::Connection::open(backup.path().join("herald.db")).unwrap();
    let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    let mut select = database.prepare("SELECT event_id FROM events").unwrap();
    select.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hot_backup_holds_every_event_that_was_answered_before_it() {
    let broker = Mosquitto::start(Config::default()).await;
    let (herald, sender) = start(Setup::with_broker(broker.addr(), push_cameras(1))).await;
    let nobody = Setup::with_broker("127.0.0.1:1".parse().unwrap(), push_cameras(1));
    herald.says("Announced to Home Assistant", 1).await;
    let accepted = Arc::new(AtomicUsize::new(0));
    let mut posting = JoinSet::new();
    let counted = accepted.clone();
    posting.spawn(async move {
        let picture = base64(&jpeg(800, 600));
        for number in 0.. {
            let mut event = event(&format!("e{number}"));
            event["image_base64"] = json!(picture);
            assert_eq!(sender.insist("cam_0", &event).await, 202);
            counted.store(number + 1, Ordering::Release);
            sleep(Duration::from_millis(25)).await;
        }
    });
    for round in 1..=BACKUPS {
        let deadline = Instant::now() + PATIENCE;
        while accepted.load(Ordering::Acquire) < round * 30 {
            assert!(Instant::now() < deadline, "no events come; the log:\n{}", herald.log());
            sleep(Duration::from_millis(20)).await;
        }
        let before = accepted.load(Ordering::Acquire);
        let dir = herald.dir();
        let (code, said) = Herald::once(dir.path(), &herald.setup(), &["snapshot"]).await;
        assert_eq!(code, Some(0), "{said}");
        let backup = back_up(dir.path()).await;
        let (code, said) = Herald::once(dir.path(), &herald.setup(), &["snapshot", "--done"]).await;
        assert_eq!(code, Some(0), "{said}");
        assert!(!dir.path().join("herald.snapshot.db").exists());
        let restored = restored(backup, nobody.clone()).await;
        let lost: Vec<_> = (0..before).map(|n| format!("e{n}")).filter(|id| !restored.contains(id)).collect();
        assert_eq!(lost, Vec::<String>::new(), "backup {round}, {} events", restored.len());
    }
}

#[tokio::test]
async fn a_snapshot_ends_well_whatever_it_meets() {
    let setup = Setup::with_broker("127.0.0.1:1".parse().unwrap(), push_cameras(1));
    let nothing = tempfile::tempdir().unwrap();
    let (code, said) = Herald::once(nothing.path(), &setup, &["snapshot"]).await;
    assert_eq!(code, Some(0), "{said}");

    let broken = tempfile::tempdir().unwrap();
    fs::write(broken.path().join("herald.db"), vec![0x55; 50_000]).unwrap();
    let (code, said) = Herald::once(broken.path(), &setup, &["snapshot"]).await;
    assert_eq!((code, said.contains("as it is")), (Some(0), true), "{said}");

    let options = tempfile::tempdir().unwrap();
    let wrong = Setup { options: json!("no options at all"), ..setup };
    let (code, said) = Herald::once(options.path(), &wrong, &["snapshot"]).await;
    assert_eq!(code, Some(0), "{said}");
}
