//! The table of subscriptions to cameras' own events: what was not given back must be found again after a crash.
//!
//! A row is written when a subscription is made and when it is given back, not while it is kept alive.

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError};

/// Version 5 of the schema.
pub(super) const SCHEMA: &str =
    "CREATE TABLE subscriptions (host TEXT PRIMARY KEY, point TEXT NOT NULL) WITHOUT ROWID, STRICT;";

impl Store {
    /// What is kept of the subscription at a host.
    pub(crate) async fn subscription(&self, host: String) -> Result<Option<String>, StoreError> {
        self.call(move |connection| {
            let mut select = connection.prepare_cached("SELECT point FROM subscriptions WHERE host = ?1")?;
            select.query_row([host], |row| row.get(0)).optional()
        })
        .await
    }

    /// Keeps the subscription at a host; `None` forgets it.
    pub(crate) async fn keep_subscription(&self, host: String, point: Option<String>) -> Result<(), StoreError> {
        self.call(move |connection| {
            match point {
                Some(point) => connection
                    .prepare_cached("INSERT OR REPLACE INTO subscriptions (host, point) VALUES (?1, ?2)")?
                    .execute(params![host, point])?,
                None => connection.prepare_cached("DELETE FROM subscriptions WHERE host = ?1")?.execute([host])?,
            };
            Ok(())
        })
        .await
    }
}
