//! Opening the database file, whatever state it is in.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode};

use super::error::corrupt;
use super::patience::within;
use super::tables::{MIGRATIONS, migrate};
use super::{FILE, StoreError, aside, numbering, salvage, snapshot};

/// How long a start may look for damage. Half a second reads 20 MB of a slow SD card and all of a usual file.
const LOOK_FOR_DAMAGE: Duration = Duration::from_millis(500);

/// How long it may when the file may come from a backup that copied it while it was written: one that had no whole copy, or one of an older version.
const LOOK_FOR_DAMAGE_ONCE: Duration = Duration::from_secs(30);

/// The file's connection, mended when it is broken; a database in memory when the data dir is of no use.
pub(super) fn file_or_memory(data_dir: &Path) -> Result<(Connection, PathBuf), StoreError> {
    let path = data_dir.join(FILE);
    let made = fs::create_dir_all(data_dir);
    let connection = match (open_or_mend(&path), made) {
        (Ok(connection), _) => connection,
        (Err(error @ StoreError::Newer { .. }), _) => return Err(error),
        (Err(_), Err(error)) => memory(&path, &error.to_string())?,
        (Err(error), Ok(())) => memory(&path, &error.to_string())?,
    };
    Ok((connection, path))
}

/// Opens the file, or what a backup has kept of it, or what can be read of it.
pub(super) fn open_or_mend(path: &Path) -> Result<Connection, StoreError> {
    let may_be_torn = snapshot::take_over(path).unwrap_or_else(|error| {
        tracing::error!(%error, "The copy of the database that a backup has made cannot be taken over");
        false
    });
    let connection = match open_looking(path, may_be_torn) {
        Err(error @ StoreError::Broken(_)) => mend(path, &error),
        other => other,
    }?;
    snapshot::forget_stale(path);
    Ok(connection)
}

/// Puts what can be read of a broken file into its place, and the file itself aside.
pub(super) fn mend(path: &Path, error: &StoreError) -> Result<Connection, StoreError> {
    let begun = Instant::now();
    let found = salvage::salvage(path)?;
    let moved_to = aside::move_aside(path).map_err(StoreError::disk)?;
    tracing::error!(
        %error,
        events = found.events,
        waiting = found.waiting,
        pictures = found.pictures,
        others = found.others,
        seconds = begun.elapsed().as_secs(),
        moved_to = %moved_to.display(),
        "The database is broken; Camera Herald goes on with what could be read of it, and the broken file is kept"
    );
    snapshot::take_over(path).map_err(StoreError::disk)?;
    open(path)
}

/// Opens the file as it is, made if it is not there.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    open_looking(path, false)
}

fn open_looking(path: &Path, may_be_torn: bool) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    let version = version(&connection)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if version > known {
        return Err(StoreError::Newer { path: path.display().to_string(), found: version, known });
    }
    look_for_damage(&connection, patience(may_be_torn || (1..known).contains(&version)))?;
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

fn patience(may_be_torn: bool) -> Duration {
    if may_be_torn { LOOK_FOR_DAMAGE_ONCE } else { LOOK_FOR_DAMAGE }
}

/// Asks SQLite whether the file is sound, for as long as a start may take. What it did not come to see shows when it
/// is used.
fn look_for_damage(connection: &Connection, patience: Duration) -> Result<(), StoreError> {
    let check = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, String>(0));
    // The quick one looks at every page, the other one at the indexes too: a row that is in none of them is never read again.
    let verdict = within(connection, patience, || match check("PRAGMA quick_check(1)") {
        Ok(verdict) if verdict == "ok" => check("PRAGMA integrity_check(1)"),
        other => other,
    });
    match verdict {
        Ok(verdict) if verdict == "ok" => Ok(()),
        Ok(damage) => Err(corrupt(damage).into()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(()),
        Err(error) => Err(error.into()),
    }
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

#[cfg(test)]
mod tests;
