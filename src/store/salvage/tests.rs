use std::fs;
use std::path::PathBuf;

use rusqlite::params;

use super::super::{FILE, aside};
use super::*;

const EVENTS: i64 = 400;

/// A closed file with a ledger, and events of which the last ten wait; each fourth has a picture of some pages.
fn filled(dir: &Path) -> PathBuf {
    let (connection, path) = open::file_or_memory(dir).unwrap();
    connection.execute_batch("BEGIN").unwrap();
    for n in 0..50 {
        connection.execute("INSERT INTO ledger VALUES (?1, 1, NULL)", [format!("topic/{n}")]).unwrap();
    }
    for row in 1..=EVENTS {
        connection
            .execute(
                "INSERT INTO events (row, camera, event_id, timestamp, received, happened, kind, size, delivered, body) \
                 VALUES (?1, 'yard', ?2, 5, 5, 5, 'motion', 9, ?3, ?4)",
                params![row, row.to_string(), row <= EVENTS - 10, "x".repeat(900)],
            )
            .unwrap();
        if row % 4 == 0 {
            let picture = vec![u8::try_from(row % 251).unwrap(); 15_000];
            connection.execute("INSERT INTO pictures VALUES (?1, 'yard', ?2)", params![row, picture]).unwrap();
        }
    }
    connection.execute_batch("COMMIT").unwrap();
    drop(connection);
    path
}

/// The pages on which the rows of a table lie, without its root.
fn pages(path: &Path, table: &str) -> Vec<u64> {
    let connection = Connection::open(path).unwrap();
    let root: i64 =
        connection.query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0)).unwrap();
    let bytes = fs::read(path).unwrap();
    let root = usize::try_from(root - 1).unwrap() * 4_096;
    // An inner page of a table: a type of 5, the number of cells, and four bytes of a page's number at the head of each (file format, 1.6).
    assert_eq!(bytes[root], 5, "the table has more than one page");
    let cells = usize::from(u16::from_be_bytes([bytes[root + 3], bytes[root + 4]]));
    (0..cells)
        .map(|cell| {
            let pointer = root + 12 + 2 * cell;
            let at = root + usize::from(u16::from_be_bytes([bytes[pointer], bytes[pointer + 1]]));
            u64::from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()))
        })
        .collect()
}

fn spoil(path: &Path, page: u64) {
    let mut bytes = fs::read(path).unwrap();
    let from = usize::try_from(page - 1).unwrap() * 4_096;
    bytes[from..from + 4_096].fill(0xa5);
    fs::write(path, bytes).unwrap();
}

fn count(connection: &Connection, what: &str) -> i64 {
    connection.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
}

fn is_whole(connection: &Connection) -> bool {
    connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap() == "ok"
}

#[test]
fn of_a_table_with_broken_pages_every_other_row_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    let events = pages(&path, "events");
    for page in [events[3], events[4], events[20], events[events.len() - 1]] {
        spoil(&path, page);
    }
    let before = fs::read(&path).unwrap();
    let (connection, _) = open::file_or_memory(dir.path()).unwrap();
    assert!(is_whole(&connection));
    // Four rows of 900 bytes lie on a page.
    let kept = count(&connection, "events");
    assert!((EVENTS - 4 * 4..EVENTS).contains(&kept), "{kept}");
    assert_eq!(count(&connection, "ledger"), 50);
    assert_eq!(count(&connection, "pictures"), EVENTS / 4, "pictures lie elsewhere");
    let names = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let aside: Vec<_> = names.filter(|path| path.to_string_lossy().contains("broken-")).collect();
    let aside = aside.iter().find(|path| path.extension().is_some_and(|ending| ending == "db")).unwrap();
    assert!(fs::read(aside).unwrap() == before, "the broken file itself is kept as it was");
}

#[test]
fn what_waits_is_kept_with_its_pictures_when_the_pages_before_it_are_broken() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    let events = pages(&path, "events");
    for page in &events[..events.len() / 2] {
        spoil(&path, *page);
    }
    let (connection, _) = open::file_or_memory(dir.path()).unwrap();
    assert_eq!(count(&connection, "events WHERE delivered = 0"), 10);
    assert_eq!(count(&connection, "pictures JOIN events USING (row) WHERE delivered = 0"), 3);
}

#[test]
fn a_broken_index_costs_no_row() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    let root: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'events_waiting'", [], |row| row.get(0))
        .unwrap();
    spoil(&path, u64::try_from(root).unwrap());
    let (connection, _) = open::file_or_memory(dir.path()).unwrap();
    assert!(is_whole(&connection));
    assert_eq!((count(&connection, "events"), count(&connection, "events WHERE delivered = 0")), (EVENTS, 10));
}

#[test]
fn a_row_that_is_missing_in_an_index_is_found_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    let connection = Connection::open(&path).unwrap();
    // The same bytes in the place of an index of other rows: the pages are sound, and only the whole check sees it.
    connection
        .execute_batch(
            "CREATE INDEX spare ON events (row, size) WHERE delivered = 0 AND row > 395;
             PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'spare') \
             WHERE name = 'events_waiting';
             DELETE FROM sqlite_schema WHERE name = 'spare';",
        )
        .unwrap();
    drop(connection);
    let (connection, _) = open::file_or_memory(dir.path()).unwrap();
    assert_eq!(count(&connection, "events INDEXED BY events_waiting WHERE delivered = 0"), 10);
}

#[test]
fn what_the_broken_file_lacks_comes_from_the_snapshot_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    snapshot::take(dir.path()).unwrap();
    fs::write(&path, vec![0x55; 100_000]).unwrap();
    let (connection, _) = open::file_or_memory(dir.path()).unwrap();
    assert_eq!((count(&connection, "events"), count(&connection, "ledger")), (EVENTS, 50));
}

#[test]
fn a_mending_that_is_cut_off_at_any_moment_is_done_by_the_next_start() {
    // Before the broken file is moved aside, and after it.
    for moved in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let path = filled(dir.path());
        spoil(&path, pages(&path, "events")[3]);
        salvage(&path).unwrap();
        if moved {
            aside::move_aside(&path).unwrap();
        }
        let (connection, _) = open::file_or_memory(dir.path()).unwrap();
        assert!(count(&connection, "events") >= EVENTS - 4, "{moved}");
        assert!(dir.path().join(FILE).exists());
    }
}

#[test]
fn a_file_that_ends_too_early_gives_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    let length = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length / 2 + 100).unwrap();
    let (connection, _) = open::file_or_memory(dir.path()).unwrap();
    let kept = (count(&connection, "events"), count(&connection, "pictures"));
    assert!(kept.0 > EVENTS / 3 && kept.1 > EVENTS / 4 / 3, "{kept:?}");
}
