//! What is read from the table of events: the queue by row, what the history needs, and the newest ones to look at.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::events::{Amount, number};
use super::{Store, StoreError, numbering};

/// An event that waits. Its picture is read by itself: what waits is looked at more often than it is sent.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) outbox: Arc<str>,
    pub(crate) row: i64,
    pub(crate) camera: String,
    pub(crate) event_id: String,
    pub(crate) timestamp: i64,
    pub(crate) received: i64,
    pub(crate) kind: String,
    pub(crate) body: String,
    /// The bytes of its picture, if it has one.
    pub(crate) picture: Option<u64>,
}

/// The newest event of a camera.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) row: i64,
    pub(crate) event_id: String,
    pub(crate) happened: i64,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) has_picture: bool,
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

/// An event to look at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recent {
    pub(crate) row: i64,
    pub(crate) event_id: String,
    pub(crate) timestamp: i64,
    pub(crate) received: i64,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) delivered: bool,
    pub(crate) has_picture: bool,
}

impl Store {
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

    /// The next events that wait, by row.
    pub(crate) async fn waiting(&self, after: i64, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.call(move |connection| waiting(connection, after, limit)).await
    }

    /// What is known of these cameras, in their order.
    pub(crate) async fn pasts(&self, cameras: Vec<String>, borders: Borders) -> Result<Vec<Past>, StoreError> {
        self.call(move |connection| cameras.iter().map(|camera| past(connection, camera, borders)).collect()).await
    }

    /// The newest events of a camera, the newest first.
    pub(crate) async fn recent(&self, camera: String, limit: usize) -> Result<Vec<Recent>, StoreError> {
        self.call(move |connection| recent(connection, &camera, limit)).await
    }
}

fn waiting(connection: &Connection, after: i64, limit: usize) -> rusqlite::Result<Vec<Stored>> {
    // The length of a blob stands in its row's head: the picture itself is not read for it.
    let mut select = connection.prepare_cached(
        "SELECT row, camera, event_id, timestamp, received, kind, body, \
         (SELECT length(jpeg) FROM pictures WHERE pictures.row = events.row) \
         FROM events INDEXED BY events_waiting WHERE delivered = 0 AND row > ?1 ORDER BY row LIMIT ?2",
    )?;
    let outbox: Arc<str> = numbering::name(connection)?.into();
    let rows = select.query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
        Ok(Stored {
            outbox: outbox.clone(),
            row: row.get(0)?,
            camera: row.get(1)?,
            event_id: row.get(2)?,
            timestamp: row.get(3)?,
            received: row.get(4)?,
            kind: row.get(5)?,
            body: row.get(6)?,
            picture: row.get::<_, Option<i64>>(7)?.map(|length| length.max(0).cast_unsigned()),
        })
    })?;
    rows.collect()
}

fn past(connection: &Connection, camera: &str, borders: Borders) -> rusqlite::Result<Past> {
    let mut last = connection.prepare_cached(
        "SELECT row, event_id, happened, kind, body, \
         EXISTS (SELECT 1 FROM pictures WHERE pictures.row = events.row) \
         FROM events WHERE camera = ?1 AND happened <= ?2 \
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
                has_picture: row.get(5)?,
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

fn recent(connection: &Connection, camera: &str, limit: usize) -> rusqlite::Result<Vec<Recent>> {
    let mut select = connection.prepare_cached(
        "SELECT row, event_id, timestamp, received, kind, body, delivered, \
         EXISTS (SELECT 1 FROM pictures WHERE pictures.row = events.row) \
         FROM events INDEXED BY events_accepted WHERE camera = ?1 ORDER BY row DESC LIMIT ?2",
    )?;
    let rows = select.query_map(params![camera, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
        Ok(Recent {
            row: row.get(0)?,
            event_id: row.get(1)?,
            timestamp: row.get(2)?,
            received: row.get(3)?,
            kind: row.get(4)?,
            body: row.get(5)?,
            delivered: row.get(6)?,
            has_picture: row.get(7)?,
        })
    })?;
    rows.collect()
}
