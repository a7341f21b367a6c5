//! The pictures of events: read one at a time, because each may be some megabytes.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{Store, StoreError};

/// Pictures of delivered events that are kept of each camera.
const KEEP: i64 = 50;

impl Store {
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

    /// The picture of one event of a camera.
    pub(crate) async fn picture_of(&self, camera: String, row: i64) -> Result<Option<Vec<u8>>, StoreError> {
        self.call(move |connection| {
            connection
                .prepare_cached("SELECT jpeg FROM pictures WHERE row = ?1 AND camera = ?2")?
                .query_row(params![row, camera], |row| row.get(0))
                .optional()
        })
        .await
    }
}

/// Keeps the newest pictures of a camera, and those of events that wait. `row`: the newest delivered event.
pub(super) fn forget_surplus(transaction: &Transaction<'_>, camera: &str, row: i64) -> rusqlite::Result<()> {
    let mut surplus = transaction.prepare_cached(
        "DELETE FROM pictures WHERE row IN (SELECT pictures.row FROM pictures JOIN events USING (row) \
         WHERE pictures.camera = ?1 AND pictures.row <= ?2 AND delivered = 1 \
         ORDER BY pictures.row DESC LIMIT -1 OFFSET ?3)",
    )?;
    surplus.execute(params![camera, row, KEEP]).map(drop)
}
