//! What can still be read of a broken database.
//!
//! In: the broken file, with and without its log, and the snapshot of a backup that may lie beside it. Out: a whole file in the snapshot's
//! place, in the order of what matters: ledger and waiting events, their pictures, the rest, all other pictures. Nothing of the broken
//! file is changed. Until the new one is complete it has no name that anybody opens, so a crash in between costs nothing.

mod hole;

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::events::number;
use super::{StoreError, numbering, open, snapshot};

/// How long it may take altogether: what is not read until then stays in the file that is moved aside. A slow SD card reads some 2 GB.
const PATIENCE: Duration = Duration::from_secs(120);

/// Tables with a turn of their own, and the outbox's name, of which the new file has its own.
const NOT_AMONG_THE_REST: [&str; 4] = ["ledger", "events", "pictures", "outbox"];

/// A size that cannot be is one of a row that was read wrong, and would count as waiting for ever.
const WAITING: &str = "delivered = 0 AND size BETWEEN 0 AND 33554432";
const DELIVERED: &str = "delivered = 1 AND size BETWEEN 0 AND 33554432";

/// What was found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) events: u64,
    pub(super) waiting: u64,
    pub(super) pictures: u64,
    /// Rows of everything else: the ledger, the timelines.
    pub(super) others: u64,
}

/// Some rows of a table.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) table: &'a str,
    /// SQL.
    pub(super) condition: &'a str,
    pub(super) deadline: Instant,
}

/// Writes what can be read into the snapshot's place.
///
/// # Errors
/// [`StoreError`] when what matters most cannot be written; then nothing has changed.
pub(super) fn salvage(live: &Path) -> Result<Found, StoreError> {
    let half = snapshot::half(live);
    let begun = || -> Result<Connection, StoreError> {
        let _usually_not_there = std::fs::remove_file(&half);
        let mut target = Connection::open(&half)?;
        target.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        // Whoever is cut off here begins again; the whole file is synced at the end.
        target.pragma_update(None, "journal_mode", "MEMORY")?;
        target.pragma_update(None, "synchronous", "OFF")?;
        open::bring_up(&mut target)?;
        Ok(target)
    };
    let found = begun().and_then(|mut target| fill(live, &mut target));
    if found.is_err() {
        let _gone_is_gone = std::fs::remove_file(&half);
    }
    let found = found?;
    snapshot::complete(live).map_err(StoreError::disk)?;
    Ok(found)
}

fn fill(live: &Path, target: &mut Connection) -> Result<Found, StoreError> {
    let deadline = Instant::now() + PATIENCE;
    let sources = sources(live);
    let mut room = true;
    for source in &sources {
        let mut whole = essentials(source, target, deadline)?;
        // A disk that has no room for all of it has room for what matters most.
        if room {
            whole &= the_rest(source, target, deadline).unwrap_or_else(|error| {
                tracing::error!(%error, "Not all of the broken database that can be read can be written");
                room = false;
                false
            });
        }
        if whole {
            break;
        }
    }
    // Whoever remembers the last row of the broken file must not miss the next one, also if nothing of the table can be read.
    target.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'events', 0 WHERE NOT EXISTS (SELECT 1 FROM events)",
        [],
    )?;
    numbering::never_go_back(target, Timestamp::now().as_millisecond())?;
    let count = |query: &str| target.query_row(query, [], |row| number(row, 0));
    Ok(Found {
        events: count("SELECT count(*) FROM events")?,
        waiting: count("SELECT count(*) FROM events WHERE delivered = 0")?,
        pictures: count("SELECT count(*) FROM pictures")?,
        others: count("SELECT (SELECT count(*) FROM ledger) + (SELECT count(*) FROM timeline)")?,
    })
}

/// What the file says with its log, without it, and what an unfinished backup has kept. What came first is not written over.
fn sources(live: &Path) -> Vec<Connection> {
    let as_it_is = Connection::open_with_flags(live, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let alone = |path: &Path| {
        let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)
    };
    let sources: Vec<_> = [as_it_is, alone(live), alone(&snapshot::snapshot(live))].into_iter().flatten().collect();
    for source in &sources {
        // Otherwise SQLite reads nothing of a file that ends before its head says so.
        let _refused = source.pragma_update(None, "writable_schema", true);
    }
    sources
}

/// What Home Assistant was told, and what it waits for. `false`, here and below: it was not all.
fn essentials(source: &Connection, target: &mut Connection, deadline: Instant) -> Result<bool, StoreError> {
    let ledger = copy(source, target, &Part { table: "ledger", condition: "true", deadline })?;
    let waiting = copy(source, target, &Part { table: "events", condition: WAITING, deadline })?;
    let first: Option<i64> =
        target.query_row("SELECT min(row) FROM events WHERE delivered = 0", [], |row| row.get(0))?;
    let Some(first) = first else { return Ok(ledger && waiting) };
    let condition = format!("row >= {first}");
    let pictures = copy(source, target, &Part { table: "pictures", condition: &condition, deadline })?;
    Ok(ledger && waiting && pictures)
}

fn the_rest(source: &Connection, target: &mut Connection, deadline: Instant) -> Result<bool, StoreError> {
    let mut whole = copy(source, target, &Part { table: "events", condition: DELIVERED, deadline })?;
    let others = tables(target)?.into_iter().filter(|table| !NOT_AMONG_THE_REST.contains(&table.as_str()));
    for table in others.chain(["pictures".to_owned()]) {
        whole &= copy(source, target, &Part { table: &table, condition: "true", deadline })?;
    }
    Ok(whole)
}

fn tables(target: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut select =
        target.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'")?;
    select.query_map([], |row| row.get(0))?.collect()
}

/// One transaction for each part.
fn copy(source: &Connection, target: &mut Connection, part: &Part<'_>) -> Result<bool, StoreError> {
    let transaction = target.transaction()?;
    let whole = hole::copy_around(source, &transaction, part)?;
    transaction.commit()?;
    Ok(whole)
}

#[cfg(test)]
mod tests;
