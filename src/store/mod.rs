//! The database under the data dir: one SQLite file, one thread that owns its connection.
//!
//! Callers send it a job and wait for the answer. Schema versions migrate forward only; a file from a newer version is
//! left untouched.

mod open;
mod tables;

use std::path::Path;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

pub use tables::Row;

/// Jobs that wait for the thread.
const JOBS: usize = 64;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// What can go wrong with the database. The variants are the caller's next move.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A newer version of the program wrote the file: it stays untouched, and the program must not start.
    #[error(
        "{path} was written by a newer version of Camera Herald (schema {found}, this version knows {known}); \
         update Camera Herald, or move the file away to start with an empty history"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its schema version.
        found: i64,
        /// The newest one that we know.
        known: i64,
    },
    /// SQLite says no: a full disk, a broken file, missing rights.
    #[error("the database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The thread is gone.
    #[error("the database is closed")]
    Closed,
}

/// A way to the database. Cheap to clone; the file is closed when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
}

impl Store {
    /// Opens `herald.db` in the data dir.
    ///
    /// A file that SQLite does not understand is moved aside with an error in the log. When the data dir cannot be
    /// written, the store lives in memory only, and the log says so: the cameras come first.
    ///
    /// # Errors
    /// [`StoreError::Newer`] only.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        Self::start(open::file_or_memory(data_dir)?)
    }

    fn start(mut connection: Connection) -> Result<Self, StoreError> {
        let (jobs, mut waiting) = mpsc::channel::<Job>(JOBS);
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                while let Some(job) = waiting.blocking_recv() {
                    job(&mut connection);
                }
            })
            .map_err(|_no_thread| StoreError::Closed)?;
        Ok(Self { jobs })
    }

    async fn call<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (done, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _nobody_waits = done.send(job(connection));
        });
        self.jobs.send(job).await.map_err(|_closed| StoreError::Closed)?;
        Ok(answer.await.map_err(|_closed| StoreError::Closed)??)
    }
}
