//! Keeping the table of events small: what is too old or too much is deleted, and unused space goes back to the disk. Step by step,
//! so that nobody waits for long behind it.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::events::number;
use super::{Store, StoreError};

/// Unused pages that are left for what comes next: 4 MiB. More than that, and more than a quarter of the file, goes
/// back to the disk.
const KEEP_PAGES: i64 = 1_024;

/// Pages that go back to the disk in one step.
const GIVE_BACK: i64 = 256;

/// Pictures that are deleted in one step: each may lie on some hundred pages.
const PICTURES: usize = 20;

/// What is kept of the events that the broker has. What waits is never touched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Events that came before are deleted, in milliseconds.
    pub(crate) before: i64,
    /// Events of each camera.
    pub(crate) newest: i64,
    /// Bytes of all pictures.
    pub(crate) picture_bytes: u64,
}

impl Store {
    /// Deletes some of what is out of bounds, at most so many events, and gives some unused space back to the disk. Whether there is more to do.
    pub(crate) async fn tidy(&self, bounds: Bounds, limit: usize) -> Result<bool, StoreError> {
        self.call(move |connection| Ok(expire(connection, bounds, limit)? | shrink(connection)?)).await
    }
}

fn expire(connection: &mut Connection, bounds: Bounds, limit: usize) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut rows = too_old(&transaction, bounds.before, limit)?;
    for camera in cameras(&transaction)? {
        rows.extend(too_many(&transaction, &camera, bounds.newest, limit.saturating_sub(rows.len()))?);
    }
    {
        let mut picture = transaction.prepare_cached("DELETE FROM pictures WHERE row = ?1")?;
        let mut delete = transaction.prepare_cached("DELETE FROM events WHERE row = ?1")?;
        for row in &rows {
            picture.execute([row])?;
            delete.execute([row])?;
        }
    }
    let more_pictures = forget_pictures(&transaction, bounds.picture_bytes)?;
    transaction.commit()?;
    Ok(more_pictures || rows.len() >= limit)
}

fn too_old(transaction: &Transaction<'_>, before: i64, limit: usize) -> rusqlite::Result<Vec<i64>> {
    let mut select = transaction
        .prepare_cached("SELECT row FROM events WHERE received < ?1 AND delivered = 1 ORDER BY received LIMIT ?2")?;
    select.query_map(params![before, i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0))?.collect()
}

fn cameras(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<String>> {
    let mut select = transaction.prepare_cached("SELECT DISTINCT camera FROM events INDEXED BY events_accepted")?;
    select.query_map([], |row| row.get(0))?.collect()
}

fn too_many(transaction: &Transaction<'_>, camera: &str, newest: i64, limit: usize) -> rusqlite::Result<Vec<i64>> {
    let border: Option<i64> = transaction
        .prepare_cached(
            "SELECT row FROM events INDEXED BY events_accepted WHERE camera = ?1 ORDER BY row DESC LIMIT 1 OFFSET ?2",
        )?
        .query_row(params![camera, newest], |row| row.get(0))
        .optional()?;
    let Some(border) = border else { return Ok(Vec::new()) };
    let mut select = transaction.prepare_cached(
        "SELECT row FROM events INDEXED BY events_accepted WHERE camera = ?1 AND row <= ?2 AND delivered = 1 \
         ORDER BY row LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    select.query_map(params![camera, border, limit], |row| row.get(0))?.collect()
}

/// The oldest pictures go. Whether there are more of them than one step takes.
fn forget_pictures(transaction: &Transaction<'_>, most: u64) -> rusqlite::Result<bool> {
    // The length of a blob stands in its row's head: no picture is read for it.
    let mut select = transaction.prepare_cached(
        "SELECT row, length(jpeg) FROM pictures \
         WHERE row NOT IN (SELECT row FROM events INDEXED BY events_waiting WHERE delivered = 0) ORDER BY row DESC",
    )?;
    let mut bytes = 0_u64;
    let mut surplus = Vec::new();
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        bytes += number(row, 1)?;
        if bytes > most {
            surplus.push(row.get::<_, i64>(0)?);
        }
    }
    let mut delete = transaction.prepare_cached("DELETE FROM pictures WHERE row = ?1")?;
    for row in surplus.iter().rev().take(PICTURES) {
        delete.execute([row])?;
    }
    Ok(surplus.len() > PICTURES)
}

/// Whether there is more to give back.
fn shrink(connection: &Connection) -> rusqlite::Result<bool> {
    let pages = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let free = pages("freelist_count")?;
    let surplus = free - KEEP_PAGES.max(pages("page_count")? / 4);
    if surplus <= 0 {
        return Ok(false);
    }
    // Each row of this pragma's answer is a page; it does nothing unless they are read.
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({})", surplus.min(GIVE_BACK)))?;
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    // Without progress there is no point in going on.
    Ok(surplus > GIVE_BACK && pages("freelist_count")? < free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::events::{Amount, NewEvent};

    const ALL: Amount = Amount { events: 1_000, bytes: 1 << 30 };

    async fn store(dir: &std::path::Path, events: usize, waiting: usize) -> Store {
        let store = Store::open(dir).unwrap();
        let event = |n: usize| NewEvent {
            camera: "yard".to_owned(),
            event_id: n.to_string(),
            timestamp: 5,
            received: 5,
            happened: 5,
            kind: "motion",
            body: "{}".to_owned(),
            picture: Some(vec![7; 1_000].into()),
        };
        store.write((0..events).map(event).collect(), Vec::new(), ALL).await.unwrap();
        let rows =
            store.waiting(0, events).await.unwrap().iter().map(|event| event.row).take(events - waiting).collect();
        store.write(Vec::new(), rows, ALL).await.unwrap();
        store
    }

    async fn tidied(store: &Store, newest: i64, picture_bytes: u64) -> (usize, usize) {
        let bounds = Bounds { before: i64::MIN, newest, picture_bytes };
        for _ in 0..100 {
            if !store.tidy(bounds, 7).await.unwrap() {
                break;
            }
        }
        let left = store.recent("yard".to_owned(), 1_000).await.unwrap();
        (left.len(), left.iter().filter(|event| event.has_picture).count())
    }

    #[tokio::test]
    async fn the_newest_events_of_a_camera_stay_and_all_that_wait() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), 60, 5).await;
        assert_eq!(tidied(&store, 40, 1 << 30).await.0, 40);
        assert_eq!(tidied(&store, 3, 1 << 30).await.0, 5, "what waits is kept");
    }

    #[tokio::test]
    async fn the_newest_pictures_stay_and_all_that_wait() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), 45, 5).await;
        assert_eq!(tidied(&store, 1_000, 10_000).await, (45, 15));
        assert_eq!(tidied(&store, 1_000, 0).await, (45, 5), "what waits is kept");
    }
}
