//! The table of timelines: a row for each change of a camera's status, and for each start and stop of the program.
//!
//! Nothing is written while nothing changes. What is older than a day goes with the next change.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::events::number;
use super::{Store, StoreError};

/// Version 3 of the schema. A row without a camera is about the program itself.
pub(super) const SCHEMA: &str = "
    CREATE TABLE timeline (
        camera TEXT NOT NULL,
        at INTEGER NOT NULL,
        status TEXT NOT NULL,
        reason TEXT,
        PRIMARY KEY (camera, at)
    ) WITHOUT ROWID, STRICT;
";

/// The camera of rows that are about the program. No camera's id is empty.
pub(crate) const PROGRAM: &str = "";

/// A row. The time is in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) camera: String,
    pub(crate) at: i64,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
}

/// Everything that was kept.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// By camera, and by time.
    pub(crate) marks: Vec<Mark>,
    /// When an event was accepted last: the program ran then.
    pub(crate) last_event: Option<i64>,
}

impl Store {
    /// Everything that is kept.
    pub(crate) async fn timelines(&self) -> Result<Kept, StoreError> {
        self.call(|connection| Ok(Kept { marks: marks(connection)?, last_event: last_event(connection)? })).await
    }

    /// Adds rows and forgets what is over: of each camera what ended before `horizon`, and all but the newest `most`.
    pub(crate) async fn keep(&self, marks: Vec<Mark>, horizon: i64, most: u64) -> Result<(), StoreError> {
        self.call(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            insert(&transaction, &marks)?;
            for camera in marks.iter().map(|mark| &mark.camera) {
                prune(&transaction, camera, horizon, most)?;
            }
            transaction.commit()
        })
        .await
    }

    /// Forgets every camera but these.
    pub(crate) async fn keep_only(&self, cameras: Vec<String>) -> Result<(), StoreError> {
        self.call(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let known: Vec<String> = transaction
                .prepare_cached("SELECT DISTINCT camera FROM timeline")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for gone in known.iter().filter(|camera| *camera != PROGRAM && !cameras.contains(camera)) {
                transaction.prepare_cached("DELETE FROM timeline WHERE camera = ?1")?.execute([gone])?;
            }
            transaction.commit()
        })
        .await
    }
}

fn marks(connection: &Connection) -> rusqlite::Result<Vec<Mark>> {
    let mut select = connection.prepare("SELECT camera, at, status, reason FROM timeline ORDER BY camera, at")?;
    let rows = select.query_map([], |row| {
        Ok(Mark { camera: row.get(0)?, at: row.get(1)?, status: row.get(2)?, reason: row.get(3)? })
    })?;
    rows.collect()
}

fn last_event(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection.query_row("SELECT max(received) FROM events", [], |row| row.get(0))
}

fn insert(transaction: &Transaction<'_>, marks: &[Mark]) -> rusqlite::Result<()> {
    // There is something only after somebody has set the clock back.
    let mut later = transaction.prepare_cached("DELETE FROM timeline WHERE camera = ?1 AND at >= ?2")?;
    let mut insert =
        transaction.prepare_cached("INSERT INTO timeline (camera, at, status, reason) VALUES (?1, ?2, ?3, ?4)")?;
    for mark in marks {
        later.execute(params![mark.camera, mark.at])?;
        insert.execute(params![mark.camera, mark.at, mark.status, mark.reason])?;
    }
    Ok(())
}

/// The newest row before the horizon stays: it says what the camera was when the day began.
fn prune(transaction: &Transaction<'_>, camera: &str, horizon: i64, most: u64) -> rusqlite::Result<()> {
    let mut old = transaction.prepare_cached(
        "DELETE FROM timeline WHERE camera = ?1 AND at < \
         (SELECT max(at) FROM timeline WHERE camera = ?1 AND at <= ?2)",
    )?;
    old.execute(params![camera, horizon])?;
    let count = transaction
        .prepare_cached("SELECT count(*) FROM timeline WHERE camera = ?1")?
        .query_row([camera], |row| number(row, 0))?;
    if count > most {
        let mut surplus = transaction.prepare_cached(
            "DELETE FROM timeline WHERE camera = ?1 AND at < \
             (SELECT at FROM timeline WHERE camera = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2)",
        )?;
        surplus.execute(params![camera, most.saturating_sub(1).cast_signed()])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(camera: &str, at: i64) -> Mark {
        Mark { camera: camera.to_owned(), at, status: "online".to_owned(), reason: None }
    }

    async fn times(store: &Store, camera: &str) -> Vec<i64> {
        let kept = store.timelines().await.unwrap();
        kept.marks.iter().filter(|mark| mark.camera == camera).map(|mark| mark.at).collect()
    }

    #[tokio::test]
    async fn what_is_over_goes_with_the_next_change_and_the_stretch_of_the_horizon_stays() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let marks = [10, 20, 30, 40].map(|at| mark("front", at)).to_vec();
        store.keep(marks, 0, 100).await.unwrap();
        store.keep(vec![mark("back", 45)], 35, 100).await.unwrap();
        assert_eq!(times(&store, "front").await, [10, 20, 30, 40], "only who changes is tidied");
        store.keep(vec![mark("front", 50)], 35, 100).await.unwrap();
        assert_eq!(times(&store, "front").await, [30, 40, 50]);
        store.keep(vec![mark("front", 60)], 35, 2).await.unwrap();
        assert_eq!(times(&store, "front").await, [50, 60], "and never more than so many");
        assert_eq!(times(&store, "back").await, [45]);
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_leaves_no_row_from_the_future() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        store.keep(vec![mark("front", 10), mark("front", 500)], 0, 100).await.unwrap();
        store.keep(vec![mark("front", 300)], 0, 100).await.unwrap();
        assert_eq!(times(&store, "front").await, [10, 300]);
    }
}
