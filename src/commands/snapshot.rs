//! `camera-herald snapshot`: one whole copy of the database, for a backup that copies files while they are written.
//!
//! In: the data dir, which the running service writes to. Out: one line on standard output. It ends with 0 whatever happens: the Supervisor
//! gives up the app's whole backup when this command fails, and a backup without a snapshot is better than none.

use std::path::Path;
use std::process::ExitCode;

use super::say;
use crate::logging;
use crate::options::LogLevel;
use crate::store::snapshot::{self, Kept};

pub(super) fn command(data_dir: &Path, done: bool) -> ExitCode {
    let _log = logging::start(LogLevel::Warn);
    if done {
        snapshot::discard(data_dir);
        return ExitCode::SUCCESS;
    }
    match snapshot::take(data_dir) {
        Ok(Kept::Snapshot) => say("The database is in the backup as one whole copy"),
        Ok(Kept::Nothing) => say("There is no database yet"),
        Err(error) => {
            say(&format!("The backup holds the database as it is, because no whole copy can be made: {error}"))
        }
    }
    ExitCode::SUCCESS
}
