//! Opening the database file, whatever state it is in.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode};

use super::StoreError;
use super::tables::{MIGRATIONS, migrate};

const FILE: &str = "herald.db";

/// The file's connection; a fresh file's when it is broken; a database in memory when the data dir is of no use.
pub(super) fn file_or_memory(data_dir: &Path) -> Result<Connection, StoreError> {
    let path = data_dir.join(FILE);
    let opened = fs::create_dir_all(data_dir).map_err(|error| error.to_string()).and_then(|()| match open(&path) {
        Err(StoreError::Sqlite(error)) if is_broken(&error) => {
            let aside = move_aside(&path).map_err(|error| error.to_string())?;
            tracing::error!(
                %error,
                moved_to = %aside.display(),
                "The database is broken and was moved aside; Camera Herald goes on with an empty one"
            );
            Ok(open(&path))
        }
        other => Ok(other),
    });
    match opened {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error @ StoreError::Newer { .. })) => Err(error),
        Ok(Err(error)) => memory(&path, &error.to_string()),
        Err(error) => memory(&path, &error),
    }
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if version > known {
        return Err(StoreError::Newer { path: path.display().to_string(), found: version, known });
    }
    // WAL and FULL: a commit is on disk when it returns, and a reader never blocks the writer.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    migrate(&mut connection, version)?;
    Ok(connection)
}

fn memory(path: &Path, problem: &str) -> Result<Connection, StoreError> {
    tracing::error!(
        path = %path.display(),
        problem,
        "The database cannot be used; Camera Herald works, but forgets what it announced when it stops"
    );
    let mut connection = Connection::open_in_memory()?;
    migrate(&mut connection, 0)?;
    Ok(connection)
}

fn is_broken(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

fn move_aside(path: &Path) -> std::io::Result<PathBuf> {
    let aside = path.with_extension(format!("broken-{}.db", Timestamp::now().as_second()));
    fs::rename(path, &aside)?;
    for companion in ["db-wal", "db-shm"] {
        let _usually_not_there = fs::remove_file(path.with_extension(companion));
    }
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        file_or_memory(dir.path()).unwrap();
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().any(|name| name.to_string_lossy().contains("broken")), "{names:?}");
        assert_eq!(
            Connection::open(dir.path().join(FILE))
                .unwrap()
                .query_row("SELECT count(*) FROM ledger", [], |row| row.get::<_, i64>(0))
                .unwrap(),
            0
        );
    }

    #[test]
    fn a_data_dir_of_no_use_leaves_a_store_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        file_or_memory(&file.join("below")).unwrap();
    }
}
