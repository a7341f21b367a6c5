//! What can go wrong with the database. The variants are the caller's next move.

use rusqlite::ErrorCode;

/// Why the database did not do it.
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
    /// The disk is full or refuses to be written: nothing was changed, and it works again when the disk does.
    #[error("the disk is full or cannot be written ({0})")]
    Unwritable(#[source] rusqlite::Error),
    /// The file is broken. It has been moved aside, and the next call meets one with what could be read of it.
    #[error("the database file is broken ({0})")]
    Broken(#[source] rusqlite::Error),
    /// SQLite says no for another reason.
    #[error("the database: {0}")]
    Sqlite(#[source] rusqlite::Error),
    /// The thread is gone.
    #[error("the database is closed")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Broken(error),
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
                Self::Unwritable(error)
            }
            _ => Self::Sqlite(error),
        }
    }
}

impl StoreError {
    /// A file beside the database cannot be written.
    pub(super) fn disk(error: std::io::Error) -> Self {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
        Self::Unwritable(rusqlite::Error::SqliteFailure(code, Some(error.to_string())))
    }
}

/// SQLite's way of saying that the file makes no sense, for what only we can see.
pub(super) fn corrupt(what: String) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), Some(what))
}

/// The data dir could not be used when it was tried last.
pub(super) fn nowhere() -> rusqlite::Error {
    let what = "the data dir cannot be used".to_owned();
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN), Some(what))
}
