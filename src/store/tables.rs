//! The tables and what is read from and written to them.

use rusqlite::{Connection, params};

use super::{Store, StoreError};

/// Each entry takes the schema one version further.
pub(super) const MIGRATIONS: [&str; 5] = [
    "CREATE TABLE ledger (topic TEXT PRIMARY KEY, hash INTEGER NOT NULL, components TEXT) WITHOUT ROWID, STRICT;",
    super::events::SCHEMA,
    super::timeline::SCHEMA,
    super::numbering::SCHEMA,
    super::subscriptions::SCHEMA,
];

/// A row of the ledger: a topic that may hold a retained message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The topic.
    pub topic: String,
    /// Of the content that was last acknowledged; 0 when that does not matter.
    pub hash: i64,
    /// Of a device's payload: JSON object of component key and platform.
    pub components: Option<String>,
}

impl Store {
    /// The whole ledger.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn ledger(&self) -> Result<Vec<Row>, StoreError> {
        self.call(|connection| {
            let mut select = connection.prepare("SELECT topic, hash, components FROM ledger")?;
            let rows = select
                .query_map([], |row| Ok(Row { topic: row.get(0)?, hash: row.get(1)?, components: row.get(2)? }))?;
            rows.collect()
        })
        .await
    }

    /// Inserts or replaces rows, all or none.
    ///
    /// # Errors
    /// [`StoreError`] when they are not on disk.
    pub async fn remember(&self, rows: Vec<Row>) -> Result<(), StoreError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            {
                let mut insert = transaction
                    .prepare_cached("INSERT OR REPLACE INTO ledger (topic, hash, components) VALUES (?1, ?2, ?3)")?;
                for row in &rows {
                    insert.execute(params![row.topic, row.hash, row.components])?;
                }
            }
            transaction.commit()
        })
        .await
    }

    /// Deletes the rows of these topics, all or none.
    ///
    /// # Errors
    /// [`StoreError`] when that is not on disk.
    pub async fn forget(&self, topics: Vec<String>) -> Result<(), StoreError> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            {
                let mut delete = transaction.prepare_cached("DELETE FROM ledger WHERE topic = ?1")?;
                for topic in &topics {
                    delete.execute([topic])?;
                }
            }
            transaction.commit()
        })
        .await
    }
}

/// Takes the schema to the newest version. The caller has checked that the file is not newer.
pub(super) fn migrate(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for (version, step) in (1..).zip(MIGRATIONS) {
        if version > from {
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", version)?;
        }
    }
    transaction.commit()
}

/// Copies the ledger from one database into another.
pub(super) fn copy_ledger(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    let transaction = to.transaction()?;
    let mut select = from.prepare("SELECT topic, hash, components FROM ledger")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let row: (String, i64, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        transaction.execute("INSERT OR REPLACE INTO ledger (topic, hash, components) VALUES (?1, ?2, ?3)", row)?;
    }
    transaction.commit()
}
