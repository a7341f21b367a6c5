//! The outbox's task: the only one that changes the table of events while it lives.
//!
//! In: submissions, deliveries, the inventory, the clock. Out: answers, histories, the number that waits. Nothing is
//! answered before it is on disk; what waits together goes to disk together (group commit).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};

use super::batch::{Batch, Pending};
use super::books::Books;
use super::queue::{Counters, Delivery, Outbox};
use super::{Histories, Settings};
use crate::camera::Inventory;
use crate::events::door::{Accepted, Refused, Submission};
use crate::store::events::{Amount, Outcome, Written};
use crate::store::{Store, StoreError};

/// Deliveries that wait for the task: one courier, one at a time.
const DELIVERIES: usize = 4;
/// The clock is looked at this often, because a timer does not notice that somebody sets it.
const LOOK: SignedDuration = SignedDuration::from_mins(1);
/// From one tidying to the next.
const TIDY_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Events that are deleted in one transaction, so that nobody waits for long behind it.
const TIDY_STEP: i64 = 500;

/// The task.
pub struct Keeper {
    store: Store,
    settings: Settings,
    inventory: watch::Receiver<Inventory>,
    deliveries: mpsc::Receiver<Delivery>,
    books: Books,
    waiting: watch::Sender<u64>,
    counters: Arc<Counters>,
    state: State,
}

/// Where the task stands.
#[derive(Debug, Default)]
struct State {
    /// The store's content that the books were made from.
    loaded: Option<u64>,
    backlog: Amount,
    tidy_at: Timestamp,
    /// Events that were dropped in this tidying.
    dropped: u64,
    full: bool,
    failing: bool,
}

impl Keeper {
    /// The task, the handle on what waits, and the histories. Both watches end with the task.
    #[must_use]
    pub fn new(
        store: Store,
        settings: Settings,
        inventory: watch::Receiver<Inventory>,
    ) -> (Self, Outbox, watch::Receiver<Histories>) {
        let (histories, histories_seen) = watch::channel(Histories::new());
        let (waiting, waiting_seen) = watch::channel(0);
        let (delivered, deliveries) = mpsc::channel(DELIVERIES);
        let counters = Arc::new(Counters::default());
        let outbox =
            Outbox { store: store.clone(), deliveries: delivered, waiting: waiting_seen, counters: counters.clone() };
        let books = Books::new(settings.activity, settings.zone.clone(), histories);
        let state = State::default();
        (Self { store, settings, inventory, deliveries, books, waiting, counters, state }, outbox, histories_seen)
    }

    /// Works until nobody can submit any more; what was submitted until then is on disk and answered.
    pub async fn run(mut self, mut submissions: mpsc::Receiver<Submission>) {
        let mut inventory_changes = true;
        loop {
            let wake = self.keep_up(Timestamp::now()).await;
            let mut batch = Batch::default();
            tokio::select! {
                submission = submissions.recv() => match submission {
                    Some(submission) => batch.push(submission, &self.inventory.borrow()),
                    None => break,
                },
                Some(delivery) = self.deliveries.recv() => batch.delivery = Some(delivery),
                changed = self.inventory.changed(), if inventory_changes => {
                    inventory_changes = changed.is_ok();
                    self.state.loaded = None;
                }
                () = tokio::time::sleep(wake) => {}
            }
            batch.fill(&mut submissions, &mut self.deliveries, &self.inventory.borrow());
            self.commit(batch, Timestamp::now()).await;
        }
        self.deliveries.close();
        while let Some(delivery) = self.deliveries.recv().await {
            self.deliver(delivery, Timestamp::now()).await;
        }
    }

    /// Everything that time brings. Returns how long nothing else is to be done.
    async fn keep_up(&mut self, now: Timestamp) -> Duration {
        if (self.state.loaded != Some(self.store.generation()) || self.books.are_old(now))
            && let Err(error) = self.load(now).await
        {
            self.note(Some(&error));
        }
        self.books.expire(now);
        let until_tidy = self.state.tidy_at.duration_since(now);
        // Further away than a day: somebody has set the clock back.
        if !until_tidy.is_positive() || until_tidy > TIDY_EVERY {
            self.tidy(now).await;
        }
        self.books.publish();
        let next = self.books.next_change().min(self.state.tidy_at).duration_since(now).min(LOOK);
        // A millisecond later, so that the moment is surely over.
        Duration::try_from(next).map_or(Duration::ZERO, |next| next + Duration::from_millis(1))
    }

    /// Makes the books from the table.
    async fn load(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let generation = self.store.generation();
        let cameras: Vec<_> = self.inventory.borrow_and_update().iter().map(|camera| camera.id.clone()).collect();
        let borders = self.books.borders(now);
        let ids = cameras.iter().map(|camera| camera.as_str().to_owned()).collect();
        let pasts = self.store.pasts(ids, borders.as_stored(now)).await?;
        self.state.backlog = self.store.backlog().await?;
        self.books.load(cameras.into_iter().zip(pasts).collect(), borders, now);
        self.state.loaded = Some(generation);
        self.tell_waiting(true);
        Ok(())
    }

    /// Writes a batch and answers it.
    async fn commit(&mut self, batch: Batch, now: Timestamp) {
        if batch.is_empty() {
            return;
        }
        let Batch { events, pending, delivery, .. } = batch;
        let rows = delivery.as_ref().map_or_else(Vec::new, |delivery| delivery.rows.clone());
        match self.store.write(events, rows, self.room()).await {
            Ok(written) => {
                self.settle(&written, &pending, now);
                for (pending, outcome) in pending.into_iter().zip(written.outcomes) {
                    let _sender_left = pending.answer.send(answer(outcome));
                }
                if let Some(delivery) = delivery {
                    let _courier_left = delivery.answer.send(Ok(()));
                }
            }
            Err(error) => {
                self.note(Some(&error));
                for pending in pending {
                    let _sender_left = pending.answer.send(Err(Refused::Storage(error.to_string())));
                }
                if let Some(delivery) = delivery {
                    self.deliver(delivery, now).await;
                }
            }
        }
    }

    /// What the broker has is small, and in the end makes room: it gets a transaction of its own when one with events
    /// has failed.
    async fn deliver(&mut self, delivery: Delivery, now: Timestamp) {
        let written = self.store.write(Vec::new(), delivery.rows, Amount::default()).await;
        let outcome = written.map(|written| self.settle(&written, &[], now));
        let _courier_left = delivery.answer.send(outcome);
    }

    /// A batch is on disk.
    fn settle(&mut self, written: &Written, pending: &[Pending], now: Timestamp) {
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        for (pending, outcome) in pending.iter().zip(&written.outcomes) {
            if let Outcome::New { row } = outcome {
                self.books.add(&pending.camera, &pending.happened.in_row(*row), now);
            }
        }
        for (camera, row, body) in &written.bodies {
            self.books.delivered(camera, *row, body);
        }
        let backlog = &mut self.state.backlog;
        backlog.events = (backlog.events + written.added.events).saturating_sub(written.delivered.events);
        backlog.bytes = (backlog.bytes + written.added.bytes).saturating_sub(written.delivered.bytes);
        self.counters.delivered.fetch_add(written.delivered.events, Ordering::Relaxed);
        if written.added.events + written.delivered.events > 0 {
            self.note(None);
        }
        self.note_fill(written.outcomes.contains(&Outcome::NoRoom));
        self.books.publish();
        self.tell_waiting(written.added.events > 0);
    }

    /// Deletes what is too old, one step at a time.
    async fn tidy(&mut self, now: Timestamp) {
        let kept_since = now.checked_sub(self.settings.keep).unwrap_or(Timestamp::MIN);
        // What counts for this week stays: midnight counts it again.
        let before = kept_since.min(self.books.borders(now).week).as_millisecond();
        let tidied = match self.store.tidy(before, TIDY_STEP).await {
            Ok(tidied) => tidied,
            Err(error) => {
                tracing::warn!(%error, "Old events cannot be deleted; trying again in an hour");
                self.state.tidy_at = now + SignedDuration::from_hours(1);
                return;
            }
        };
        let state = &mut self.state;
        state.backlog.events = state.backlog.events.saturating_sub(tidied.dropped.events);
        state.backlog.bytes = state.backlog.bytes.saturating_sub(tidied.dropped.bytes);
        state.dropped += tidied.dropped.events;
        self.counters.dropped.fetch_add(tidied.dropped.events, Ordering::Relaxed);
        if tidied.more {
            state.tidy_at = now;
        } else {
            state.tidy_at = now.checked_add(TIDY_EVERY).unwrap_or(Timestamp::MAX);
            let dropped = std::mem::take(&mut state.dropped);
            if dropped > 0 {
                let days = self.settings.keep.as_hours() / 24;
                tracing::warn!(
                    events = dropped,
                    keep_days = days,
                    "Events were too old and never reached the broker; dropped"
                );
            }
        }
        self.tell_waiting(false);
    }

    fn room(&self) -> Amount {
        let (caps, backlog) = (self.settings.caps, self.state.backlog);
        Amount { events: caps.events.saturating_sub(backlog.events), bytes: caps.bytes.saturating_sub(backlog.bytes) }
    }

    fn tell_waiting(&self, always: bool) {
        let now = self.state.backlog.events;
        self.counters.waiting_bytes.store(self.state.backlog.bytes, Ordering::Relaxed);
        self.waiting.send_if_modified(|waiting| std::mem::replace(waiting, now) != now || always);
    }

    /// Says once that the disk does not take events, and once that it does again.
    fn note(&mut self, error: Option<&StoreError>) {
        let was_failing = std::mem::replace(&mut self.state.failing, error.is_some());
        match error {
            Some(error) if !was_failing => {
                tracing::error!(%error, "Events cannot be written; they are refused until they can")
            }
            None if was_failing => tracing::info!("Events can be written again"),
            _ => {}
        }
    }

    /// Says once that too much waits, and once that there is room again.
    fn note_fill(&mut self, refused: bool) {
        let (caps, Amount { events, bytes }) = (self.settings.caps, self.state.backlog);
        if refused && !self.state.full {
            self.state.full = true;
            tracing::error!(
                events,
                bytes,
                "Too many events wait for the broker; new ones are refused until it takes some"
            );
        } else if self.state.full && !refused && events <= caps.events / 10 * 9 && bytes <= caps.bytes / 10 * 9 {
            self.state.full = false;
            tracing::info!(events, bytes, "There is room for new events again");
        }
    }
}

fn answer(outcome: Outcome) -> Result<Accepted, Refused> {
    match outcome {
        Outcome::New { .. } => Ok(Accepted::New),
        Outcome::Duplicate => Ok(Accepted::Duplicate),
        Outcome::NoRoom => Err(Refused::Full),
    }
}

#[cfg(test)]
mod tests;
