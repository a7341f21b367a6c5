//! Which events the broker has, on their way into the outbox's table.
//!
//! One transaction at a time is under way; what lands meanwhile goes with the next. A crash before it repeats these events.

use std::pin::Pin;

use crate::events::outbox::Outbox;
use crate::store::StoreError;

type Marking = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// Rows that have landed and are not marked as delivered yet.
pub(super) struct Marks {
    outbox: Outbox,
    landed: Vec<i64>,
    under_way: Vec<i64>,
    marking: Option<Marking>,
}

impl Marks {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self { outbox, landed: Vec::new(), under_way: Vec::new(), marking: None }
    }

    /// The broker has the event of this row.
    pub(super) fn add(&mut self, row: i64) {
        self.landed.push(row);
        self.start();
    }

    /// Begins the next transaction, when there is something to mark and none is under way.
    pub(super) fn start(&mut self) {
        if self.marking.is_some() || self.landed.is_empty() {
            return;
        }
        self.under_way = std::mem::take(&mut self.landed);
        let (outbox, rows) = (self.outbox.clone(), self.under_way.clone());
        self.marking = Some(Box::pin(async move { outbox.delivered(rows).await }));
    }

    /// The rows of the transaction under way, when it is on disk; never comes while there is none. After an error the rows stay, and
    /// [`Marks::start`] tries again. May be dropped and called again.
    pub(super) async fn marked(&mut self) -> Result<Vec<i64>, StoreError> {
        let Some(marking) = &mut self.marking else { return std::future::pending().await };
        let outcome = marking.await;
        self.marking = None;
        let rows = std::mem::take(&mut self.under_way);
        match outcome {
            Ok(()) => self.start(),
            Err(error) => {
                self.landed.splice(0..0, rows);
                return Err(error);
            }
        }
        Ok(rows)
    }
}
