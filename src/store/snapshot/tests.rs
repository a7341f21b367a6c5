use super::super::open::file_or_memory;
use super::*;

/// A data dir whose database has one event, still open.
fn dir() -> (tempfile::TempDir, Connection) {
    let dir = tempfile::tempdir().unwrap();
    let (connection, _) = file_or_memory(dir.path()).unwrap();
    connection
        .execute_batch(
            "INSERT INTO events (camera, event_id, timestamp, received, happened, kind, size, body) \
             VALUES ('yard', 'e', 5, 5, 5, 'motion', 9, '{}')",
        )
        .unwrap();
    (dir, connection)
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn events(dir: &Path) -> i64 {
    let (connection, _) = file_or_memory(dir).unwrap();
    connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap()
}

/// What a backup brings back: everything but what `backup_exclude` names.
fn restored(dir: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for name in names(dir) {
        if !["herald.db", "herald.db-wal"].contains(&name.as_str()) && !name.ends_with("-shm") {
            fs::copy(dir.join(&name), to.path().join(&name)).unwrap();
        }
    }
    to
}

#[test]
fn a_start_without_a_database_takes_the_snapshot_over_once() {
    let (dir, live) = dir();
    assert_eq!(take(dir.path()).unwrap(), Kept::Snapshot);
    assert_eq!(names(dir.path()), ["herald.db", "herald.db-shm", "herald.db-wal", SNAPSHOT]);
    let restored = restored(dir.path());
    drop(live);
    assert_eq!(events(restored.path()), 1);
    assert!(!restored.path().join(SNAPSHOT).exists(), "{:?}", names(restored.path()));
    fs::remove_file(restored.path().join(FILE)).unwrap();
    assert_eq!(events(restored.path()), 0, "whoever deletes the database afterwards means it");
}

#[test]
fn a_copy_has_another_name_and_its_rows_do_not_begin_where_it_ended() {
    let (dir, live) = dir();
    take(dir.path()).unwrap();
    let restored = restored(dir.path());
    let (copy, _) = file_or_memory(restored.path()).unwrap();
    assert_ne!(numbering::name(&live).unwrap(), numbering::name(&copy).unwrap());
    let last: i64 = copy.query_row("SELECT seq FROM sqlite_sequence", [], |row| row.get(0)).unwrap();
    assert!(last > 1_000_000, "{last}");
}

#[test]
fn a_log_without_its_file_is_not_played_into_the_snapshot() {
    let (dir, live) = dir();
    take(dir.path()).unwrap();
    live.execute_batch("DELETE FROM events").unwrap();
    let restored = restored(dir.path());
    fs::copy(dir.path().join("herald.db-wal"), restored.path().join("herald.db-wal")).unwrap();
    assert_eq!(events(restored.path()), 1);
}

#[test]
fn where_no_snapshot_can_be_made_the_files_themselves_are_in_the_backup() {
    let (dir, live) = dir();
    // Nothing can be written where it would be made.
    fs::create_dir(dir.path().join(HALF)).unwrap();
    fs::write(dir.path().join(HALF).join("full"), "").unwrap();
    assert!(take(dir.path()).is_err());
    let restored = tempfile::tempdir().unwrap();
    for name in [LINKED.to_owned(), format!("{LINKED}-wal")] {
        fs::copy(dir.path().join(&name), restored.path().join(&name)).unwrap();
    }
    drop(live);
    assert_eq!(events(restored.path()), 1);
    assert_eq!(events(dir.path()), 1);
    assert!(!dir.path().join(LINKED).exists(), "the second name is gone with the next start");
}

#[test]
fn a_copy_that_may_be_torn_is_told_from_a_whole_one() {
    let (dir, live) = dir();
    take(dir.path()).unwrap();
    let whole = restored(dir.path());
    assert!(!take_over(&whole.path().join(FILE)).unwrap());
    assert!(!take_over(&whole.path().join(FILE)).unwrap(), "there is a database");
    link(&dir.path().join(FILE)).unwrap();
    drop(live);
    let torn = restored(dir.path());
    assert!(take_over(&torn.path().join(FILE)).unwrap());
    assert_eq!(events(torn.path()), 1);
}

#[test]
fn a_broken_database_goes_into_the_backup_too() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE), vec![0x55; 8_192]).unwrap();
    assert!(take(dir.path()).is_err());
    assert_eq!(fs::read(dir.path().join(LINKED)).unwrap(), vec![0x55; 8_192]);
}

#[test]
fn the_copies_go_when_the_backup_is_over_but_never_the_last_of_them() {
    let (dir, live) = dir();
    take(dir.path()).unwrap();
    discard(dir.path());
    assert!(!dir.path().join(SNAPSHOT).exists());
    take(dir.path()).unwrap();
    drop(live);
    fs::remove_file(dir.path().join(FILE)).unwrap();
    discard(dir.path());
    assert_eq!(events(dir.path()), 1);
}

#[test]
fn a_snapshot_that_was_left_over_goes_with_a_later_start() {
    let (dir, live) = dir();
    take(dir.path()).unwrap();
    drop(live);
    assert_eq!(events(dir.path()), 1);
    assert!(dir.path().join(SNAPSHOT).exists(), "a backup may be under way");
    let old = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(dir.path().join(SNAPSHOT)).unwrap().set_modified(old).unwrap();
    assert_eq!(events(dir.path()), 1);
    assert!(!dir.path().join(SNAPSHOT).exists());
}
