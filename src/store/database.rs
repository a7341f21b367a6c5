//! What the store's thread owns: the connection, and how it gets a better one.
//!
//! A file that turns out broken while it is used is mended, and a data dir that could not be used is tried again.
//! The thread therefore never ends because of its file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{StoreError, open};

/// A data dir of no use is looked at again no more often than this.
const RETRY: Duration = Duration::from_secs(5);
/// And an attempt that took long, because a broken file was read in vain, is made again after so many times as long.
const REST: u32 = 20;

/// The connection and where it comes from.
pub(super) struct Database {
    connection: Connection,
    path: PathBuf,
    /// Set while the database lives in memory: when the file is tried again.
    retry_at: Option<Instant>,
    generation: Arc<AtomicU64>,
}

impl Database {
    /// Opens the file, or memory in its place. `generation` grows whenever the content is another one.
    pub(super) fn open(data_dir: &Path, generation: Arc<AtomicU64>) -> Result<Self, StoreError> {
        let begun = Instant::now();
        let (connection, path) = open::file_or_memory(data_dir)?;
        let retry_at = (!open::is_file(&connection)).then(|| after(begun));
        Ok(Self { connection, path, retry_at, generation })
    }

    /// The connection to work with.
    pub(super) fn connection(&mut self) -> &mut Connection {
        if self.retry_at.is_some_and(|at| Instant::now() >= at) {
            self.leave_memory();
        }
        &mut self.connection
    }

    /// A job has found the file broken.
    pub(super) fn replace(&mut self, error: &StoreError) {
        if self.retry_at.is_some() {
            return;
        }
        let begun = Instant::now();
        // The file is closed before it is moved: SQLite must not write to it under its new name.
        match Connection::open_in_memory() {
            Ok(memory) => drop(std::mem::replace(&mut self.connection, memory)),
            Err(error) => return tracing::error!(%error, "The broken database cannot be closed"),
        }
        self.connection = match open::mend(&self.path, error) {
            Ok(connection) => connection,
            Err(error) => {
                tracing::error!(%error, "The database is broken and cannot be mended now; trying again");
                self.retry_at = Some(after(begun));
                return self.blank();
            }
        };
        self.generation.fetch_add(1, Ordering::Release);
    }

    fn blank(&mut self) {
        if let Err(error) = open::bring_up(&mut self.connection) {
            tracing::error!(%error, "A database in memory cannot be made");
        }
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Goes over to the file and takes along what the ledger has learned meanwhile.
    fn leave_memory(&mut self) {
        let begun = Instant::now();
        if let Some(dir) = self.path.parent() {
            let _open_says_why_not = std::fs::create_dir_all(dir);
        }
        let moved = open::open_or_mend(&self.path).and_then(|mut file| {
            super::tables::copy_ledger(&self.connection, &mut file)?;
            Ok(file)
        });
        match moved {
            Ok(file) => {
                tracing::info!(path = %self.path.display(), "The database can be used again");
                self.connection = file;
                self.retry_at = None;
                self.generation.fetch_add(1, Ordering::Release);
            }
            Err(error) => {
                tracing::debug!(%error, "The database still cannot be used");
                self.retry_at = Some(after(begun));
            }
        }
    }
}

/// When an attempt that began then is made again.
fn after(begun: Instant) -> Instant {
    Instant::now() + RETRY.max(begun.elapsed().saturating_mul(REST))
}
