use super::*;

fn names(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

fn is_fresh(dir: &Path) -> bool {
    let (connection, _) = file_or_memory(dir).unwrap();
    assert!(is_file(&connection));
    connection.query_row("SELECT count(*) FROM ledger", [], |row| row.get::<_, i64>(0)).unwrap() == 0
}

/// A file of some hundred pages, closed.
fn filled(dir: &Path) -> PathBuf {
    let (connection, path) = file_or_memory(dir).unwrap();
    connection.execute_batch("BEGIN").unwrap();
    for n in 0..2_000 {
        connection
            .execute("INSERT INTO ledger VALUES (?1, 1, ?2)", rusqlite::params![format!("topic/{n}"), "x".repeat(300)])
            .unwrap();
    }
    connection.execute_batch("COMMIT").unwrap();
    drop(connection);
    assert!(fs::metadata(&path).unwrap().len() > 100 * 4_096);
    path
}

#[test]
fn a_file_from_a_newer_version_stops_the_start_and_stays_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();
    let error = file_or_memory(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_broken_file_is_moved_aside() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE), vec![0x55; 8_192]).unwrap();
    assert!(is_fresh(dir.path()));
    assert!(names(dir.path()).iter().any(|name| name.contains("broken")), "{:?}", names(dir.path()));
}

#[test]
fn a_file_that_was_cut_in_the_middle_is_moved_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    let half = fs::metadata(&path).unwrap().len() / 2 + 100;
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(half).unwrap();
    assert!(is_file(&file_or_memory(dir.path()).unwrap().0));
    assert!(names(dir.path()).iter().any(|name| name.contains("broken")), "{:?}", names(dir.path()));
}

#[test]
fn a_file_with_an_overwritten_page_is_moved_aside_and_loses_what_stood_on_it() {
    // Twelve rows lie on a page. The second page of the file only says which page belongs to which.
    for (page, lost) in [(1, 0), (7, 14), (50, 14), (90, 14)] {
        let dir = tempfile::tempdir().unwrap();
        let path = filled(dir.path());
        let mut bytes = fs::read(&path).unwrap();
        for (n, byte) in bytes[page * 4_096..(page + 1) * 4_096].iter_mut().enumerate() {
            *byte = u8::try_from((n * 7 + page) % 251).unwrap();
        }
        fs::write(&path, bytes).unwrap();
        let (connection, _) = file_or_memory(dir.path()).unwrap();
        let left = connection.query_row("SELECT count(*) FROM ledger", [], |row| row.get::<_, i64>(0)).unwrap();
        assert!((2_000 - lost..=2_000).contains(&left), "page {page}: {left}");
        assert!(names(dir.path()).iter().any(|name| name.contains("broken")), "page {page}");
    }
}

#[test]
fn broken_files_do_not_pile_up() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..6 {
        fs::write(dir.path().join(FILE), vec![0x55; 8_192]).unwrap();
        assert!(is_fresh(dir.path()));
    }
    let broken = names(dir.path()).iter().filter(|name| name.contains("broken")).count();
    assert!((1..=aside::KEEP).contains(&broken), "{:?}", names(dir.path()));
}

#[test]
fn a_data_dir_of_no_use_leaves_a_store_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let (connection, _) = file_or_memory(&file.join("below")).unwrap();
    assert!(!is_file(&connection));
}

#[test]
fn a_file_of_the_first_version_keeps_its_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let old = Connection::open(dir.path().join(FILE)).unwrap();
    old.pragma_update(None, "journal_mode", "WAL").unwrap();
    old.execute_batch(MIGRATIONS[0]).unwrap();
    old.execute_batch("INSERT INTO ledger VALUES ('a/b', 7, NULL); PRAGMA user_version = 1;").unwrap();
    drop(old);
    let (connection, _) = file_or_memory(dir.path()).unwrap();
    let hash: i64 = connection.query_row("SELECT hash FROM ledger WHERE topic = 'a/b'", [], |row| row.get(0)).unwrap();
    assert_eq!(hash, 7);
    connection.execute("INSERT INTO sqlite_sequence VALUES ('events', 1)", []).unwrap();
    assert_eq!(connection.pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i64>(0)).unwrap(), 2);
    assert_eq!(version(&connection).unwrap(), 5);
}

#[test]
fn a_file_of_the_second_version_keeps_its_events_and_gets_timelines() {
    let dir = tempfile::tempdir().unwrap();
    let old = Connection::open(dir.path().join(FILE)).unwrap();
    old.pragma_update(None, "auto_vacuum", "INCREMENTAL").unwrap();
    for step in &MIGRATIONS[..2] {
        old.execute_batch(step).unwrap();
    }
    old.execute_batch(
        "INSERT INTO events (camera, event_id, timestamp, received, happened, kind, size, body) \
         VALUES ('yard', 'e', 1, 2, 1, 'motion', 9, '{}'); PRAGMA user_version = 2;",
    )
    .unwrap();
    drop(old);
    let (connection, _) = file_or_memory(dir.path()).unwrap();
    let count = |table: &str| {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!((count("events"), count("timeline"), version(&connection).unwrap()), (1, 0, 5));
}

#[test]
fn a_file_of_the_third_version_gets_a_name_for_its_outbox_and_keeps_it() {
    let dir = tempfile::tempdir().unwrap();
    let old = Connection::open(dir.path().join(FILE)).unwrap();
    for step in &MIGRATIONS[..3] {
        old.execute_batch(step).unwrap();
    }
    old.execute_batch("PRAGMA user_version = 3;").unwrap();
    drop(old);
    let name = || numbering::name(&file_or_memory(dir.path()).unwrap().0).unwrap();
    let given = name();
    assert_eq!(given.len(), 16);
    assert_eq!(name(), given);
}

#[test]
fn an_outbox_that_begins_anew_has_another_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let name = || numbering::name(&file_or_memory(dir.path()).unwrap().0).unwrap();
    let first = name();
    fs::write(&path, vec![0x55; 8_192]).unwrap();
    let after_damage = name();
    // What a copy is made to be that begins a life of its own.
    open(&path).unwrap().execute("DELETE FROM outbox", []).unwrap();
    let of_a_copy = name();
    assert!(first != after_damage && after_damage != of_a_copy && of_a_copy != first);
}
