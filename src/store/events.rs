//! The table of events: plain SQL.
//!
//! In: events in acceptance order. Out: the queue, by row, and what the history needs. A row grows with acceptance and
//! is never used twice, so that a reader who remembers the last one misses nothing.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{Store, StoreError, error, open};

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

/// Pictures of delivered events that are kept of each camera.
const KEEP_PICTURES: i64 = 50;

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

/// An event that waits.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) row: i64,
    pub(crate) camera: String,
    pub(crate) event_id: String,
    pub(crate) timestamp: i64,
    pub(crate) received: i64,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) picture: Option<Vec<u8>>,
}

/// The newest event of a camera.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) row: i64,
    pub(crate) event_id: String,
    pub(crate) happened: i64,
    pub(crate) kind: String,
    pub(crate) body: String,
}

/// What the table says of one camera.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) last: Option<Newest>,
    pub(crate) delivered: Option<(i64, String)>,
    pub(crate) today: u64,
    pub(crate) this_week: u64,
    /// When the newest of this week's events came.
    pub(crate) counted: Option<i64>,
}

/// Local time's borders around now, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Borders {
    pub(crate) now: i64,
    pub(crate) day: i64,
    pub(crate) week: i64,
    pub(crate) next_day: i64,
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

    /// How much waits.
    pub(crate) async fn backlog(&self) -> Result<Amount, StoreError> {
        self.call(|connection| {
            connection.query_row(
                "SELECT count(*), coalesce(sum(size), 0) FROM events INDEXED BY events_waiting WHERE delivered = 0",
                [],
                |row| Ok(Amount { events: number(row, 0)?, bytes: number(row, 1)? }),
            )
        })
        .await
    }

    /// The next events that wait, by row; at least one if there is one, and then no more than so many bytes.
    pub(crate) async fn waiting(&self, after: i64, limit: usize, bytes: u64) -> Result<Vec<Stored>, StoreError> {
        self.call(move |connection| waiting(connection, after, limit, bytes)).await
    }

    /// What is known of these cameras, in their order.
    pub(crate) async fn pasts(&self, cameras: Vec<String>, borders: Borders) -> Result<Vec<Past>, StoreError> {
        self.call(move |connection| cameras.iter().map(|camera| past(connection, camera, borders)).collect()).await
    }

    /// The picture of the newest delivered event of a camera that had one.
    pub(crate) async fn picture(&self, camera: String) -> Result<Option<Vec<u8>>, StoreError> {
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "SELECT jpeg FROM pictures JOIN events USING (row) \
                     WHERE pictures.camera = ?1 AND delivered = 1 ORDER BY pictures.row DESC LIMIT 1",
                )?
                .query_row([camera], |row| row.get(0))
                .optional()
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
    let mut surplus = transaction.prepare_cached(
        "DELETE FROM pictures WHERE row IN (SELECT pictures.row FROM pictures JOIN events USING (row) \
         WHERE pictures.camera = ?1 AND pictures.row <= ?2 AND delivered = 1 \
         ORDER BY pictures.row DESC LIMIT -1 OFFSET ?3)",
    )?;
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
        surplus.execute(params![camera, row, KEEP_PICTURES])?;
        let body = body.query_row([row], |row| row.get(0))?;
        written.bodies.push((camera, row, body));
    }
    Ok(())
}

fn waiting(connection: &Connection, after: i64, limit: usize, bytes: u64) -> rusqlite::Result<Vec<Stored>> {
    let mut select = connection.prepare_cached(
        "SELECT row, camera, event_id, timestamp, received, kind, body, size, \
         (SELECT jpeg FROM pictures WHERE pictures.row = events.row) \
         FROM events INDEXED BY events_waiting WHERE delivered = 0 AND row > ?1 ORDER BY row LIMIT ?2",
    )?;
    let mut rows = select.query(params![after, i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    let mut total = 0;
    while let Some(row) = rows.next()? {
        total += number(row, 7)?;
        if total > bytes && !found.is_empty() {
            break;
        }
        found.push(Stored {
            row: row.get(0)?,
            camera: row.get(1)?,
            event_id: row.get(2)?,
            timestamp: row.get(3)?,
            received: row.get(4)?,
            kind: row.get(5)?,
            body: row.get(6)?,
            picture: row.get(8)?,
        });
    }
    Ok(found)
}

fn past(connection: &Connection, camera: &str, borders: Borders) -> rusqlite::Result<Past> {
    let mut last = connection.prepare_cached(
        "SELECT row, event_id, happened, kind, body FROM events WHERE camera = ?1 AND happened <= ?2 \
         ORDER BY happened DESC, row DESC LIMIT 1",
    )?;
    let mut newest = |until: i64| {
        last.query_row(params![camera, until], |row| {
            Ok(Newest {
                row: row.get(0)?,
                event_id: row.get(1)?,
                happened: row.get(2)?,
                kind: row.get(3)?,
                body: row.get(4)?,
            })
        })
        .optional()
    };
    // Our own clock may have been ahead once: what it dated into the future is the last event only if there is no other.
    let last = match newest(borders.now)? {
        Some(last) => Some(last),
        None => newest(i64::MAX)?,
    };
    let delivered = connection
        .prepare_cached(
            "SELECT row, body FROM events INDEXED BY events_accepted WHERE camera = ?1 AND delivered = 1 \
             ORDER BY row DESC LIMIT 1",
        )?
        .query_row([camera], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let mut count = connection
        .prepare_cached("SELECT count(*) FROM events WHERE camera = ?1 AND happened >= ?2 AND happened < ?3")?;
    let mut since = |border: i64| count.query_row(params![camera, border, borders.next_day], |row| number(row, 0));
    let (today, this_week) = (since(borders.day)?, since(borders.week)?);
    let counted = connection
        .prepare_cached(
            "SELECT max(received) FROM events WHERE camera = ?1 AND happened >= ?2 AND happened < ?3 AND received <= ?4",
        )?
        .query_row(params![camera, borders.week, borders.next_day, borders.now], |row| row.get(0))?;
    Ok(Past { last, delivered, today, this_week, counted })
}

/// A number that is never negative; SQLite knows only signed ones.
pub(super) fn number(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|number| number.max(0).cast_unsigned())
}
