//! What the courier needs from the disk and from the decoder, beside it and never in its way.
//!
//! At most one read of events and two pictures are under way. Dropping it forgets them; they are asked for again.

use std::collections::BTreeMap;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::task::spawn_blocking;

use crate::camera::CameraId;
use crate::events::outbox::{Outbox, Waiting};
use crate::picture;
use crate::store::StoreError;

/// Events that are read at once.
pub(super) const BATCH: usize = 64;
/// Event pictures that are read, decoded, or ready and not sent.
const PICTURES: usize = 2;
/// What surrounds a picture in its packet, with room to spare.
const PACKET_ROOM: usize = 512;

/// What was fetched.
pub(super) enum Fetched {
    /// The next events.
    Events(Vec<Waiting>),
    /// A camera's picture that is to be shown again, with the one that it was made from.
    Portrait { camera: CameraId, made_from: Bytes, fitted: Result<Bytes, String> },
    /// Nothing for now: an event's picture is ready, or there is none.
    Nothing,
}

enum Found {
    Events(Vec<Waiting>),
    Picture { row: i64, camera: CameraId, fitted: Option<Result<Bytes, String>> },
    Portrait { camera: CameraId, found: Option<(Bytes, Result<Bytes, String>)> },
}

type Work = Pin<Box<dyn Future<Output = Result<Found, (StoreError, Option<i64>)>> + Send>>;

/// What is under way, and the pictures that are ready.
pub(super) struct Fetch {
    outbox: Outbox,
    work: FuturesUnordered<Work>,
    reads: bool,
    paints: bool,
    /// By row: `None` while it is under way, then the picture, if there is one that can be sent.
    pictures: BTreeMap<i64, Option<Option<Bytes>>>,
}

impl Fetch {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self { outbox, work: FuturesUnordered::new(), reads: false, paints: false, pictures: BTreeMap::new() }
    }

    /// Reads the next events, unless it does already.
    pub(super) fn read(&mut self, after: i64) {
        if !self.reads {
            self.reads = true;
            let outbox = self.outbox.clone();
            self.work.push(Box::pin(async move {
                outbox.next(after, BATCH).await.map(Found::Events).map_err(|error| (error, None))
            }));
        }
    }

    /// Has an event's picture made ready, unless it is or too many are.
    pub(super) fn picture(&mut self, event: &Waiting, max_packet: usize) {
        if self.pictures.len() >= PICTURES || self.pictures.contains_key(&event.row) {
            return;
        }
        self.pictures.insert(event.row, None);
        let (outbox, camera, row) = (self.outbox.clone(), event.camera.clone(), event.row);
        self.work.push(Box::pin(async move {
            let picture = outbox.picture_of(&camera, row).await.map_err(|error| (error, Some(row)))?;
            let fitted = match picture {
                Some(picture) => Some(fit(picture, max_packet).await),
                None => None,
            };
            Ok(Found::Picture { row, camera, fitted })
        }));
    }

    /// Whether an event can go: it has no picture, or it is ready.
    pub(super) fn is_ready(&self, event: &Waiting) -> bool {
        event.picture.is_none() || matches!(self.pictures.get(&event.row), Some(Some(_)))
    }

    /// The picture that was made ready.
    pub(super) fn take(&mut self, row: i64) -> Option<Bytes> {
        self.pictures.remove(&row).flatten().flatten()
    }

    /// Has a camera's picture made ready to be shown again: this one, or that of its last event.
    pub(super) fn portrait(&mut self, camera: CameraId, probed: Option<Bytes>, max_packet: usize) {
        self.paints = true;
        let outbox = self.outbox.clone();
        self.work.push(Box::pin(async move {
            let picture = match probed {
                Some(picture) => Some(picture),
                None => outbox.picture(&camera).await.map_err(|error| (error, None))?,
            };
            let found = match picture {
                Some(picture) => Some((picture.clone(), fit(picture, max_packet).await)),
                None => None,
            };
            Ok(Found::Portrait { camera, found })
        }));
    }

    /// Whether a camera's picture is being made ready.
    pub(super) fn paints(&self) -> bool {
        self.paints
    }

    /// Forgets pictures that were made for another broker's limit.
    pub(super) fn new_epoch(&mut self) {
        self.work.clear();
        self.pictures.clear();
        (self.reads, self.paints) = (false, false);
    }

    /// The next thing that is there; never comes while nothing is under way.
    ///
    /// # Errors
    /// [`StoreError`] when the disk does not give it.
    pub(super) async fn next(&mut self) -> Result<Fetched, StoreError> {
        let Some(found) = self.work.next().await else { return std::future::pending().await };
        match found {
            Ok(Found::Events(events)) => {
                self.reads = false;
                Ok(Fetched::Events(events))
            }
            Ok(Found::Picture { row, camera, fitted }) => {
                let picture = match fitted {
                    Some(Err(error)) => {
                        tracing::warn!(camera.id = %camera, error, "An event's picture is not sent");
                        None
                    }
                    Some(Ok(picture)) => Some(picture),
                    None => None,
                };
                self.pictures.insert(row, Some(picture));
                Ok(Fetched::Nothing)
            }
            Ok(Found::Portrait { camera, found }) => {
                self.paints = false;
                Ok(found.map_or(Fetched::Nothing, |(made_from, fitted)| Fetched::Portrait {
                    camera,
                    made_from,
                    fitted,
                }))
            }
            Err((error, row)) => {
                match row {
                    Some(row) => drop(self.pictures.remove(&row)),
                    None => (self.reads, self.paints) = (false, false),
                }
                Err(error)
            }
        }
    }
}

/// The picture as the broker takes it; decoding blocks, so it happens elsewhere.
async fn fit(picture: Bytes, max_packet: usize) -> Result<Bytes, String> {
    let limit = max_packet.saturating_sub(PACKET_ROOM);
    match spawn_blocking(move || picture::fit(&picture, limit)).await {
        Ok(fitted) => fitted.map_err(|error| error.to_string()),
        Err(panicked) => Err(format!("the picture could not be decoded: {panicked}")),
    }
}
