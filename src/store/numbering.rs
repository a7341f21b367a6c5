//! What makes an event's number good for ever: the outbox's own name, and rows that never go back.
//!
//! In: the connection, the time. Out: the name. Home Assistant passes over what it has seen under the same name with a number that is
//! not greater, so a pair of both must never be given to two events: not after a broken file was replaced, nor in an old copy of the file.
//! A copy that begins a life of its own (a backup) therefore leaves the name out: whoever opens it makes a new one.

use rusqlite::Connection;

/// Version 4 of the schema: at most one row.
pub(super) const SCHEMA: &str = "CREATE TABLE outbox (name TEXT NOT NULL) STRICT;";

/// Gives an outbox without a name one that no other has.
pub(super) fn christen(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO outbox (name) SELECT lower(hex(randomblob(8))) WHERE NOT EXISTS (SELECT 1 FROM outbox)",
            [],
        )
        .map(drop)
}

/// The outbox's name.
pub(super) fn name(connection: &Connection) -> rusqlite::Result<String> {
    connection.prepare_cached("SELECT name FROM outbox")?.query_row([], |row| row.get(0))
}

/// A copy that begins a life of its own leaves the name out.
pub(super) fn forget_name(copy: &Connection) -> rusqlite::Result<()> {
    copy.execute("DELETE FROM outbox", []).map(drop)
}

/// Rows go on from this time, in milliseconds, if that is ahead of them.
///
/// A file that somebody put back from a copy does not know which rows were given away after the copy was made. These were fewer than the
/// milliseconds that have passed since. An outbox that never had an event needs no such start: its name is as new as itself.
pub(super) fn never_go_back(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    connection.execute("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'events' AND seq < ?1", [now]).map(drop)
}
