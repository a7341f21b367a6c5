//! A disk that stands still. Invariant: it goes on when the stall is dropped, at the latest with the test.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{F_UNLCK, F_WRLCK, SEEK_SET, flock};
use tokio::time::{Instant, sleep};

use super::herald::PATIENCE;

/// Where SQLite locks its places for readers in the index of its write-ahead log, and how many there are
/// (<https://sqlite.org/walformat.html#wal_locks>). A writer begins as a reader, so nobody gets past them.
const READERS: (i64, i64) = (123, 5);

/// A database that nobody can read or write, until this is dropped.
pub(crate) struct Stall {
    index: File,
}

impl Stall {
    /// Waits for whoever reads now.
    pub(crate) async fn begin(data_dir: &Path) -> Self {
        let index = OpenOptions::new().read(true).write(true).open(data_dir.join("herald.db-shm"));
        let index = index.expect("the database is open elsewhere");
        let deadline = Instant::now() + PATIENCE;
        while fcntl(&index, FcntlArg::F_SETLK(&readers(F_WRLCK))).is_err() {
            assert!(Instant::now() < deadline, "somebody reads all the time");
            sleep(Duration::from_millis(1)).await;
        }
        Self { index }
    }
}

impl Drop for Stall {
    fn drop(&mut self) {
        fcntl(&self.index, FcntlArg::F_SETLK(&readers(F_UNLCK))).expect("a lock can be given back");
    }
}

fn readers(kind: i32) -> flock {
    let (l_start, l_len) = READERS;
    flock { l_type: kind as i16, l_whence: SEEK_SET as i16, l_start, l_len, l_pid: 0 }
}
