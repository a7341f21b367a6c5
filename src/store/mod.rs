//! The database under the data dir: one SQLite file, one thread that owns its connection.
//!
//! Callers send it a job and wait for the answer. Schema versions migrate forward only; a file from a newer version is
//! left untouched.

mod aside;
mod database;
mod error;
pub(crate) mod events;
mod numbering;
mod open;
mod patience;
mod pictures;
pub(crate) mod reading;
mod salvage;
pub(crate) mod snapshot;
mod subscriptions;
mod tables;
pub(crate) mod tidy;
pub(crate) mod timeline;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use database::Database;
pub use error::StoreError;
pub use tables::Row;

/// The database's name in the data dir.
const FILE: &str = "herald.db";

/// Jobs that wait for the thread.
const JOBS: usize = 64;

type Job = Box<dyn FnOnce(&mut Database) + Send>;

/// A way to the database. Cheap to clone; the file is closed when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    generation: Arc<AtomicU64>,
}

impl Store {
    /// Opens `herald.db` in the data dir.
    ///
    /// Without one, the snapshot of a backup is taken over. What can be read of a broken one is kept and the file itself is moved aside, with
    /// an error in the log, also when that turns out later.
    /// While the data dir cannot be used, the store lives in memory only, and the log says so: the cameras come first.
    ///
    /// # Errors
    /// [`StoreError::Newer`] only.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let generation = Arc::new(AtomicU64::new(0));
        let mut database = Database::open(data_dir, generation.clone())?;
        let (jobs, mut waiting) = mpsc::channel::<Job>(JOBS);
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                while let Some(job) = waiting.blocking_recv() {
                    // Whoever waits for this job sees its answer's channel close; the others' jobs go on.
                    if catch_unwind(AssertUnwindSafe(|| job(&mut database))).is_err() {
                        tracing::error!("A job of the database panicked");
                    }
                }
            })
            .map_err(|_no_thread| StoreError::Closed)?;
        Ok(Self { jobs, generation })
    }

    /// Grows when the content is suddenly another one: a broken file was replaced, or the data dir can be used again.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// For tests: the file may not grow over so many pages of 4 KiB, as if the disk were full.
    #[doc(hidden)]
    pub async fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        self.call(move |connection| connection.pragma_update_and_check(None, "max_page_count", pages, |_now| Ok(())))
            .await
    }

    async fn call<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (done, answer) = oneshot::channel();
        let job: Job = Box::new(move |database| {
            let outcome = job(database.connection()).map_err(StoreError::from);
            if let Err(error @ StoreError::Broken(_)) = &outcome {
                database.replace(error);
            }
            let _nobody_waits = done.send(outcome);
        });
        self.jobs.send(job).await.map_err(|_closed| StoreError::Closed)?;
        answer.await.map_err(|_closed| StoreError::Closed)?
    }
}
