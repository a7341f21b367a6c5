//! Keeping the table of events small: what is too old is deleted, and unused space goes back to the disk. Step by step,
//! so that nobody waits for long behind it.

use rusqlite::{Connection, TransactionBehavior};

use super::events::{Amount, number};
use super::{Store, StoreError};

/// Unused pages that are left for what comes next: 4 MiB. More than that, and more than a quarter of the file, goes
/// back to the disk.
const KEEP_PAGES: i64 = 1_024;

/// Pages that go back to the disk in one step.
const GIVE_BACK: i64 = 256;

/// What a step of tidying did.
#[derive(Debug, Default)]
pub(crate) struct Tidied {
    /// Rows that are gone.
    pub(crate) deleted: u64,
    /// Those of them that never reached the broker.
    pub(crate) dropped: Amount,
    /// There is more to do.
    pub(crate) more: bool,
}

impl Store {
    /// Deletes at most so many of the events that came before a time, and gives some unused space back to the disk.
    pub(crate) async fn tidy(&self, before: i64, limit: i64) -> Result<Tidied, StoreError> {
        self.call(move |connection| {
            let mut tidied = expire(connection, before, limit)?;
            tidied.more |= shrink(connection)?;
            Ok(tidied)
        })
        .await
    }
}

fn expire(connection: &mut Connection, before: i64, limit: i64) -> rusqlite::Result<Tidied> {
    let mut tidied = Tidied::default();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut select = transaction
            .prepare_cached("SELECT row, delivered, size FROM events WHERE received < ?1 ORDER BY received LIMIT ?2")?;
        let mut picture = transaction.prepare_cached("DELETE FROM pictures WHERE row = ?1")?;
        let mut delete = transaction.prepare_cached("DELETE FROM events WHERE row = ?1")?;
        let old = select.query_map([before, limit], |row| Ok((row.get(0)?, row.get(1)?, number(row, 2)?)))?;
        for (row, delivered, size) in old.collect::<rusqlite::Result<Vec<(i64, bool, u64)>>>()? {
            picture.execute([row])?;
            delete.execute([row])?;
            tidied.deleted += 1;
            if !delivered {
                tidied.dropped.events += 1;
                tidied.dropped.bytes += size;
            }
        }
    }
    transaction.commit()?;
    tidied.more = tidied.deleted.cast_signed() >= limit;
    Ok(tidied)
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
