//! The table of events, and what is written to it: plain SQL.
//!
//! In: events in acceptance order, and the rows that the broker has. A row grows with acceptance and is never used twice, so that a
//! reader who remembers the last one misses nothing.

use bytes::Bytes;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::{Store, StoreError, error, open, pictures};

/// Version 2 of the schema.
///
/// `happened` is the sender's time, but never later than `received`: what counts for history. Pictures have their own
/// table, so that marking an event as delivered does not touch them.
pub(super) const SCHEMA: &str = "
    CREATE TABLE events (
        row INTEGER PRIMARY KEY AUTOINCREMENT,
        camera TEXT NOT NULL,
        event_id TEXT NOT NULL,
        timestamp INTEGER NOT NULL,
        received INTEGER NOT NULL,
        happened INTEGER NOT NULL,
        kind TEXT NOT NULL,
        size INTEGER NOT NULL,
        delivered INTEGER NOT NULL DEFAULT 0,
        body TEXT NOT NULL,
        UNIQUE (camera, event_id)
    ) STRICT;
    CREATE INDEX events_waiting ON events (row, size) WHERE delivered = 0;
    CREATE INDEX events_happened ON events (camera, happened);
    CREATE INDEX events_accepted ON events (camera);
    CREATE INDEX events_received ON events (received);
    CREATE TABLE pictures (row INTEGER PRIMARY KEY, camera TEXT NOT NULL, jpeg BLOB NOT NULL) STRICT;
    CREATE INDEX pictures_camera ON pictures (camera);
";

/// An event as it is written. Times are in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct NewEvent {
    pub(crate) camera: String,
    pub(crate) event_id: String,
    pub(crate) timestamp: i64,
    pub(crate) received: i64,
    pub(crate) happened: i64,
    pub(crate) kind: &'static str,
    pub(crate) body: String,
    pub(crate) picture: Option<Bytes>,
}

impl NewEvent {
    /// What it counts against the cap, in bytes.
    pub(crate) fn size(&self) -> u64 {
        (self.event_id.len() + self.body.len() + self.picture.as_ref().map_or(0, Bytes::len)) as u64
    }
}

/// A number of events and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) events: u64,
    pub(crate) bytes: u64,
}

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    New { row: i64 },
    Duplicate,
    NoRoom,
}

/// What one transaction did.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// One for each event, in their order.
    pub(crate) outcomes: Vec<Outcome>,
    /// Became waiting.
    pub(crate) added: Amount,
    /// Stopped waiting.
    pub(crate) delivered: Amount,
    /// The newest delivered row of each camera that had one, and its body.
    pub(crate) bodies: Vec<(String, i64, String)>,
}

impl Store {
    /// Takes events in and marks rows as delivered, in one transaction: all or nothing, and on disk when it returns.
    pub(crate) async fn write(
        &self,
        events: Vec<NewEvent>,
        delivered: Vec<i64>,
        room: Amount,
    ) -> Result<Written, StoreError> {
        self.call(move |connection| {
            if !open::is_file(connection) {
                return Err(error::nowhere());
            }
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut written = Written::default();
            accept(&transaction, &events, room, &mut written)?;
            mark(&transaction, &delivered, &mut written)?;
            transaction.commit()?;
            Ok(written)
        })
        .await
    }
}

fn accept(
    transaction: &Transaction<'_>,
    events: &[NewEvent],
    room: Amount,
    written: &mut Written,
) -> rusqlite::Result<()> {
    let mut known = transaction.prepare_cached("SELECT 1 FROM events WHERE camera = ?1 AND event_id = ?2")?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO events (camera, event_id, timestamp, received, happened, kind, size, body) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
    )?;
    let mut picture = transaction.prepare_cached("INSERT INTO pictures (row, camera, jpeg) VALUES (?1, ?2, ?3)")?;
    for event in events {
        let size = event.size();
        if written.added.events >= room.events || written.added.bytes + size > room.bytes {
            let there = known.exists([&event.camera, &event.event_id])?;
            written.outcomes.push(if there { Outcome::Duplicate } else { Outcome::NoRoom });
            continue;
        }
        let inserted = insert.execute(params![
            event.camera,
            event.event_id,
            event.timestamp,
            event.received,
            event.happened,
            event.kind,
            size.cast_signed(),
            event.body
        ])?;
        if inserted == 0 {
            written.outcomes.push(Outcome::Duplicate);
            continue;
        }
        let row = transaction.last_insert_rowid();
        if let Some(jpeg) = &event.picture {
            picture.execute(params![row, event.camera, &jpeg[..]])?;
        }
        written.added.events += 1;
        written.added.bytes += size;
        written.outcomes.push(Outcome::New { row });
    }
    Ok(())
}

fn mark(transaction: &Transaction<'_>, rows: &[i64], written: &mut Written) -> rusqlite::Result<()> {
    let mut update = transaction
        .prepare_cached("UPDATE events SET delivered = 1 WHERE row = ?1 AND delivered = 0 RETURNING camera, size")?;
    let mut body = transaction.prepare_cached("SELECT body FROM events WHERE row = ?1")?;
    let mut newest = std::collections::BTreeMap::<String, i64>::new();
    for row in rows {
        let marked = update.query_row([row], |row| Ok((row.get::<_, String>(0)?, number(row, 1)?))).optional()?;
        let Some((camera, size)) = marked else { continue };
        written.delivered.events += 1;
        written.delivered.bytes += size;
        let latest = newest.entry(camera).or_insert(*row);
        *latest = (*latest).max(*row);
    }
    for (camera, row) in newest {
        pictures::forget_surplus(transaction, &camera, row)?;
        let body = body.query_row([row], |row| row.get(0))?;
        written.bodies.push((camera, row, body));
    }
    Ok(())
}

/// A number that is never negative; SQLite knows only signed ones.
pub(super) fn number(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|number| number.max(0).cast_unsigned())
}
