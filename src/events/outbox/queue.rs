//! The courier's way to the outbox: what waits for the broker, and what the broker has.
//!
//! While the task lives it is the only one that changes the table; when it has ended, a last delivery is still written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use super::history::{kind, time};
use super::{Figures, PastEvent, Waiting};
use crate::camera::CameraId;
use crate::store::events::Amount;
use crate::store::reading::{Recent, Stored};
use crate::store::{Store, StoreError};

/// Waiting events that are read at once. A body has at most 15 KiB.
const READ: usize = 256;
/// Past events that are read at once. A body has at most 15 KiB.
const PAST: usize = 50;

/// The broker has these.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) rows: Vec<i64>,
    pub(super) answer: oneshot::Sender<Result<(), StoreError>>,
}

/// What is counted for the page.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) commits: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) delivered: AtomicU64,
    pub(super) waiting_bytes: AtomicU64,
}

/// A handle on the outbox. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    pub(super) store: Store,
    pub(super) deliveries: mpsc::Sender<Delivery>,
    pub(super) waiting: watch::Receiver<u64>,
    pub(super) counters: Arc<Counters>,
}

impl Outbox {
    /// The next events that wait, by row, after this one (0: from the first on): at most `limit`, and never more than 256. Their pictures
    /// stay where they are until somebody asks for [one of them](Self::picture_of).
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn next(&self, after_row: i64, limit: usize) -> Result<Vec<Waiting>, StoreError> {
        let stored = self.store.waiting(after_row, limit.min(READ)).await?;
        Ok(stored.into_iter().filter_map(waiting).collect())
    }

    /// The broker has acknowledged these rows: they wait no longer, and the histories say so. All or none.
    ///
    /// # Errors
    /// [`StoreError`] when that is not on disk. They will be sent again after a restart.
    pub async fn delivered(&self, rows: Vec<i64>) -> Result<(), StoreError> {
        let (answer, done) = oneshot::channel();
        if self.deliveries.send(Delivery { rows: rows.clone(), answer }).await.is_ok()
            && let Ok(outcome) = done.await
        {
            return outcome;
        }
        // The task has ended.
        self.store.write(Vec::new(), rows, Amount::default()).await.map(drop)
    }

    /// How many events wait for the broker. A change is notified with every accepted batch, also when the number is the
    /// same as before. It ends with the task.
    #[must_use]
    pub fn waiting(&self) -> watch::Receiver<u64> {
        self.waiting.clone()
    }

    /// The picture of the camera's newest delivered event that had one.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn picture(&self, camera: &CameraId) -> Result<Option<Bytes>, StoreError> {
        Ok(self.store.picture(camera.as_str().to_owned()).await?.map(Bytes::from))
    }

    /// The newest events of a camera, the newest first; at most 50, without their pictures.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn recent(&self, camera: &CameraId, limit: usize) -> Result<Vec<PastEvent>, StoreError> {
        let recent = self.store.recent(camera.as_str().to_owned(), limit.min(PAST)).await?;
        Ok(recent.into_iter().map(past_event).collect())
    }

    /// The picture of one of a camera's events, waiting or [past](Self::recent); `None` when it had none, or has it no more.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn picture_of(&self, camera: &CameraId, row: i64) -> Result<Option<Bytes>, StoreError> {
        Ok(self.store.picture_of(camera.as_str().to_owned(), row).await?.map(Bytes::from))
    }

    /// What is counted since the start, and how much waits.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            commits: self.counters.commits.load(Ordering::Relaxed),
            dropped: self.counters.dropped.load(Ordering::Relaxed),
            delivered: self.counters.delivered.load(Ordering::Relaxed),
            waiting_bytes: self.counters.waiting_bytes.load(Ordering::Relaxed),
        }
    }
}

fn past_event(recent: Recent) -> PastEvent {
    PastEvent {
        row: recent.row,
        event_id: recent.event_id,
        timestamp: time(recent.timestamp),
        received: time(recent.received),
        kind: kind(&recent.kind),
        body: Arc::from(recent.body),
        delivered: recent.delivered,
        has_picture: recent.has_picture,
    }
}

fn waiting(stored: Stored) -> Option<Waiting> {
    let Ok(camera) = CameraId::new(&stored.camera) else {
        tracing::error!(
            row = stored.row,
            camera = stored.camera,
            "An event's camera makes no sense; it is passed over"
        );
        return None;
    };
    Some(Waiting {
        outbox: stored.outbox,
        row: stored.row,
        camera,
        event_id: stored.event_id,
        timestamp: time(stored.timestamp),
        received: time(stored.received),
        kind: kind(&stored.kind),
        body: Arc::from(stored.body),
        picture: stored.picture,
    })
}
