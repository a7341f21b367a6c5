//! Opening the database file, whatever state it is in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use super::error::corrupt;
use super::tables::{MIGRATIONS, migrate};
use super::{StoreError, numbering};

const FILE: &str = "herald.db";

/// How long a start may look for damage. Half a second reads 20 MB of a slow SD card and all of a usual file.
const LOOK_FOR_DAMAGE: Duration = Duration::from_millis(500);

/// Broken files that are kept for whoever wants to look into them.
const KEEP_BROKEN: usize = 2;

/// The file's connection; a fresh file's when it is broken; a database in memory when the data dir is of no use.
pub(super) fn file_or_memory(data_dir: &Path) -> Result<(Connection, PathBuf), StoreError> {
    let path = data_dir.join(FILE);
    let made = fs::create_dir_all(data_dir);
    let opened = match open(&path) {
        Err(error @ StoreError::Broken(_)) => fresh(&path, &error),
        other => other,
    };
    let connection = match (opened, made) {
        (Ok(connection), _) => connection,
        (Err(error @ StoreError::Newer { .. }), _) => return Err(error),
        (Err(_), Err(error)) => memory(&path, &error.to_string())?,
        (Err(error), Ok(())) => memory(&path, &error.to_string())?,
    };
    Ok((connection, path))
}

/// Moves a broken file aside, says so, and makes a new one.
pub(super) fn fresh(path: &Path, error: &StoreError) -> Result<Connection, StoreError> {
    let aside = match move_aside(path) {
        Ok(aside) => aside,
        Err(problem) => {
            return Err(StoreError::Sqlite(corrupt(format!("{error}; it cannot be moved aside: {problem}"))));
        }
    };
    tracing::error!(
        %error,
        moved_to = %aside.display(),
        "The database is broken and was moved aside; Camera Herald goes on with an empty one"
    );
    open(path)
}

/// Opens the file as it is, made if it is not there.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    let version = version(&connection)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if version > known {
        return Err(StoreError::Newer { path: path.display().to_string(), found: version, known });
    }
    look_for_damage(&connection)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // Only the first table decides over this; what is deleted can then be given back to the disk in small steps.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    // See docs/decisions/0005-outbox-durability.md before you change any of these.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    bring_up(&mut connection)?;
    if let Err(error) = numbering::never_go_back(&connection, Timestamp::now().as_millisecond()) {
        // A full disk must not keep the start: rows go on from where the file says.
        tracing::debug!(%error, "The rows of events do not follow the clock");
    }
    Ok(connection)
}

/// Takes the schema to the newest version; the outbox has its name afterwards.
pub(super) fn bring_up(connection: &mut Connection) -> rusqlite::Result<()> {
    let version = version(connection)?;
    migrate(connection, version)?;
    if version > 0 && connection.pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i64>(0))? != 2 {
        // A file from before events were kept: it holds the ledger only, so this is quick, and it happens once.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.execute_batch("VACUUM")?;
    }
    numbering::christen(connection)
}

/// Whether what is written survives the process.
pub(super) fn is_file(connection: &Connection) -> bool {
    connection.path().is_some_and(|path| !path.is_empty())
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Asks SQLite whether the file is sound, for as long as a start may take. What it did not come to see shows when it
/// is used.
fn look_for_damage(connection: &Connection) -> Result<(), StoreError> {
    let interrupt = connection.get_interrupt_handle();
    let (seen, until_seen) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if until_seen.recv_timeout(LOOK_FOR_DAMAGE) == Err(mpsc::RecvTimeoutError::Timeout) {
                interrupt.interrupt();
            }
        });
        let verdict = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
        drop(seen);
        match verdict {
            Ok(verdict) if verdict == "ok" => Ok(()),
            Ok(damage) => Err(corrupt(damage).into()),
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) => Ok(()),
            Err(error) => Err(error.into()),
        }
    })
}

fn memory(path: &Path, problem: &str) -> Result<Connection, StoreError> {
    tracing::error!(
        path = %path.display(),
        problem,
        "The database cannot be used; Camera Herald works, but takes no events, and forgets what it announced when it stops"
    );
    let mut connection = Connection::open_in_memory()?;
    bring_up(&mut connection)?;
    Ok(connection)
}

fn move_aside(path: &Path) -> std::io::Result<PathBuf> {
    forget_oldest_broken(path);
    let aside = path.with_extension(format!("broken-{}.db", Timestamp::now().as_millisecond()));
    fs::rename(path, &aside)?;
    // The log belongs to the file: left behind, it would be played into the new one.
    let wal = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
    let _usually_not_there = fs::rename(wal(path), wal(&aside));
    let _usually_not_there = fs::remove_file(format!("{}-shm", path.display()));
    Ok(aside)
}

/// A dying card must not be filled with what it broke.
fn forget_oldest_broken(path: &Path) {
    let Some(dir) = path.parent().and_then(|dir| fs::read_dir(dir).ok()) else { return };
    let mut broken: Vec<PathBuf> = dir
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("herald.broken-") && name.ends_with(".db")
        })
        .collect();
    broken.sort();
    let surplus = (broken.len() + 1).saturating_sub(KEEP_BROKEN);
    for path in broken.into_iter().take(surplus) {
        let _gone_is_gone = fs::remove_file(&path);
        let _usually_not_there = fs::remove_file(format!("{}-wal", path.display()));
    }
}

#[cfg(test)]
mod tests;
