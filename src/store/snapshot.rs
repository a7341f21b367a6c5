//! The snapshot: one whole copy of the database, for a backup that copies files while they are written.
//!
//! In: the database's path. Out: `herald.snapshot.db`, which a start without a database takes over by one rename: never half, never twice.
//! Where no snapshot can be made, a second name of the live files goes into the backup; what is wrong with such a copy, `salvage` mends.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::aside::{wal, with_suffix};
use super::patience::within;
use super::{FILE, StoreError, numbering};

const SNAPSHOT: &str = "herald.snapshot.db";
/// Half a snapshot. `backup_exclude` names it.
const HALF: &str = "herald.snapshot.tmp";
/// The live file's second name.
const LINKED: &str = "herald.linked.db";

/// How long making one may take: the log of the live file grows meanwhile. A slow SD card writes some 2 GB in that time.
const PATIENCE: Duration = Duration::from_secs(300);

/// No backup takes longer. An older snapshot is left over from one that never ended.
const LONGEST_BACKUP: Duration = Duration::from_secs(6 * 3_600);

/// What there is for the backup now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// A whole copy.
    Snapshot,
    /// There is no database, so nothing can be torn.
    Nothing,
}

/// Makes a snapshot of the database in this data dir, which another process may be writing to.
///
/// # Errors
/// Why there is none. The live files are then in the backup under a second name, if the disk can do that.
pub(crate) fn take(data_dir: &Path) -> Result<Kept, StoreError> {
    let live = data_dir.join(FILE);
    if !live.exists() {
        return Ok(Kept::Nothing);
    }
    match copy(&live) {
        Ok(()) => {
            remove(&linked(&live));
            Ok(Kept::Snapshot)
        }
        Err(error) => {
            remove(&half(&live));
            // A snapshot of an earlier backup stays beside it: each may have what the other lacks.
            if let Err(problem) = link(&live) {
                tracing::warn!(%problem, "The database itself cannot be put into the backup either");
            }
            Err(error)
        }
    }
}

/// The backup is over: nobody needs the copies any more.
pub(crate) fn discard(data_dir: &Path) {
    let live = data_dir.join(FILE);
    // Without a database the snapshot is all there is.
    if live.exists() {
        for copy in [snapshot(&live), half(&live), linked(&live)] {
            remove(&copy);
        }
    }
}

/// Where there is no database, the one of the backup takes its place. `true`: it was copied while it was written.
pub(super) fn take_over(live: &Path) -> io::Result<bool> {
    if live.exists() {
        return Ok(false);
    }
    let (linked, snapshot) = (linked(live), snapshot(live));
    let may_be_torn = linked.exists();
    // There is a second name only when the snapshot could not be made, so it is the newer one of both.
    if may_be_torn {
        // The log first: a start that is cut off here finds it in its place.
        let _usually_there = fs::rename(wal(&linked), wal(live));
        fs::rename(&linked, live)?;
    } else if snapshot.exists() {
        // A log without its file belongs to no other.
        let _usually_not_there = fs::rename(wal(live), wal(&live.with_extension("broken-0.db")));
        let _usually_not_there = fs::remove_file(with_suffix(live, "-shm"));
        fs::rename(&snapshot, live)?;
    } else {
        return Ok(false);
    }
    sync_dir(live)?;
    tracing::info!(path = %live.display(), "The database is taken over from the copy that a backup has made of it");
    Ok(may_be_torn)
}

/// The database is there and whole: what an unfinished backup has left goes.
pub(super) fn forget_stale(live: &Path) {
    for left in [half(live), linked(live)] {
        remove(&left);
    }
    let snapshot = snapshot(live);
    let age = fs::metadata(&snapshot).and_then(|metadata| metadata.modified()).ok().and_then(|at| at.elapsed().ok());
    if age.is_some_and(|age| age > LONGEST_BACKUP) {
        remove(&snapshot);
    }
}

/// The snapshot's file.
pub(super) fn snapshot(live: &Path) -> PathBuf {
    live.with_file_name(SNAPSHOT)
}

/// Where a snapshot is written until it is whole.
pub(super) fn half(live: &Path) -> PathBuf {
    live.with_file_name(HALF)
}

/// What was written to [`half`] becomes the snapshot, on disk when this returns.
pub(super) fn complete(live: &Path) -> io::Result<()> {
    File::open(half(live))?.sync_all()?;
    fs::rename(half(live), snapshot(live))?;
    sync_dir(live)
}

fn copy(live: &Path) -> Result<(), StoreError> {
    remove(&half(live));
    let connection = Connection::open_with_flags(live, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let target = half(live);
    within(&connection, PATIENCE, || connection.execute("VACUUM INTO ?1", [target.to_string_lossy()]))?;
    numbering::forget_name(&Connection::open(&target)?)?;
    complete(live).map_err(StoreError::disk)
}

fn link(live: &Path) -> io::Result<()> {
    let linked = linked(live);
    remove(&linked);
    fs::hard_link(live, &linked)?;
    match fs::hard_link(wal(live), wal(&linked)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn linked(live: &Path) -> PathBuf {
    live.with_file_name(LINKED)
}

/// Removes a file and what SQLite keeps beside it.
fn remove(path: &Path) {
    for gone in [path.to_owned(), wal(path), with_suffix(path, "-shm"), with_suffix(path, "-journal")] {
        let _usually_not_there = fs::remove_file(gone);
    }
}

fn sync_dir(live: &Path) -> io::Result<()> {
    File::open(live.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests;
