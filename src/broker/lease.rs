//! The right to send to the broker, in one epoch and no other.
//!
//! A lease is made with a connection and is over with it: what was decided in an epoch is sent in that epoch or not at all, whoever
//! holds the lease and however long. There is no other way to send.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::Up;

/// What surrounds topic and payload in a PUBLISH packet, at most: header, lengths, packet id, MQTT 5's properties.
const OVERHEAD: usize = 16;
/// Topics of which it was said that the broker does not take them. Beyond that nothing is said: it is the same trouble.
const SAID: usize = 64;

/// The epoch is over: decide again in the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the link to the broker is down")]
pub struct LinkLost;

/// A message to the broker. QoS 1 always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where to.
    pub topic: String,
    /// What; empty and retained clears the topic.
    pub payload: Bytes,
    /// The broker keeps it for those who subscribe later.
    pub retain: bool,
}

impl Message {
    /// A message that the broker keeps.
    pub fn retained(topic: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self { topic: topic.into(), payload: payload.into(), retain: true }
    }

    /// A message that takes a kept one off the broker.
    pub fn clear(topic: impl Into<String>) -> Self {
        Self::retained(topic, Bytes::new())
    }

    fn packet_size(&self) -> usize {
        self.topic.len() + self.payload.len() + OVERHEAD
    }
}

/// Which of the retained messages under a filter a scan tells of, by topic and payload.
pub(crate) type Wanted = fn(&str, &[u8]) -> bool;

/// What a lease asks of its connection.
#[derive(Debug)]
pub(super) enum Request {
    Publish { message: Message, done: oneshot::Sender<bool> },
    Scan { filter: String, wanted: Wanted, done: oneshot::Sender<BTreeSet<String>> },
}

/// The right to send in one epoch. Cheap to clone; reads as the [`Up`] that it belongs to.
#[derive(Debug, Clone)]
pub struct Lease(Arc<Epoch>);

#[derive(Debug)]
struct Epoch {
    up: Up,
    requests: mpsc::Sender<Request>,
    untaken: AtomicU64,
    /// Never held across an await.
    said: Mutex<BTreeSet<String>>,
}

/// An acknowledgement that is still to come.
#[derive(Debug)]
pub struct Ack(oneshot::Receiver<bool>);

/// A place in the connection's queue.
pub struct Permit<'a> {
    lease: &'a Lease,
    place: mpsc::Permit<'a, Request>,
}

impl Ack {
    /// Waits until the broker has acknowledged the message. Returns whether it took it; if not, that was said.
    ///
    /// # Errors
    /// [`LinkLost`] when the link went down first.
    pub async fn acknowledged(self) -> Result<bool, LinkLost> {
        self.0.await.map_err(|_dropped| LinkLost)
    }
}

impl Permit<'_> {
    /// Sends at once. `None`: the broker cannot take this message, which was said.
    #[must_use]
    pub fn send(self, message: Message) -> Option<Ack> {
        if message.packet_size() > self.lease.0.up.max_packet {
            let limit = self.lease.0.up.max_packet;
            let trouble = format!("{} bytes are more than it takes ({limit})", message.packet_size());
            self.lease.note_untaken(&message.topic, &trouble);
            return None;
        }
        let (done, ack) = oneshot::channel();
        self.place.send(Request::Publish { message, done });
        Some(Ack(ack))
    }
}

impl Lease {
    pub(super) fn new(up: Up, requests: mpsc::Sender<Request>) -> Self {
        Self(Arc::new(Epoch { up, requests, untaken: AtomicU64::new(0), said: Mutex::default() }))
    }

    /// A lease that is over.
    #[cfg(test)]
    pub(crate) fn expired(up: Up) -> Self {
        Self::new(up, mpsc::channel(1).0)
    }

    /// A place in the queue, as soon as there is one. Messages go out in the order of taking places.
    ///
    /// # Errors
    /// [`LinkLost`] when the epoch is over.
    pub async fn permit(&self) -> Result<Permit<'_>, LinkLost> {
        let place = self.0.requests.reserve().await.map_err(|_closed| LinkLost)?;
        Ok(Permit { lease: self, place })
    }

    /// Sends as soon as there is a place. `None`: the broker cannot take this message, which was said.
    ///
    /// # Errors
    /// [`LinkLost`] when the epoch is over.
    pub async fn send(&self, message: Message) -> Result<Option<Ack>, LinkLost> {
        Ok(self.permit().await?.send(message))
    }

    /// Sends and waits for the acknowledgement. Returns whether the broker took it; if not, that was said.
    ///
    /// # Errors
    /// [`LinkLost`] when the epoch is over first.
    pub async fn publish(&self, message: Message) -> Result<bool, LinkLost> {
        match self.send(message).await? {
            Some(ack) => ack.acknowledged().await,
            None => Ok(false),
        }
    }

    /// The topics under `filter` that hold a retained message now, of those that are `wanted`.
    ///
    /// # Errors
    /// [`LinkLost`] when the epoch was over before the broker had told all.
    pub async fn scan(&self, filter: impl Into<String>, wanted: Wanted) -> Result<BTreeSet<String>, LinkLost> {
        let (done, found) = oneshot::channel();
        let request = Request::Scan { filter: filter.into(), wanted, done };
        self.0.requests.send(request).await.map_err(|_closed| LinkLost)?;
        found.await.map_err(|_dropped| LinkLost)
    }

    /// Messages of this epoch that the broker did not take.
    #[must_use]
    pub fn untaken(&self) -> u64 {
        self.0.untaken.load(Ordering::Relaxed)
    }

    /// The one place where it is said that the broker does not take a message; once for a topic and epoch.
    pub(super) fn note_untaken(&self, topic: &str, trouble: &str) {
        self.0.untaken.fetch_add(1, Ordering::Relaxed);
        let mut said = self.0.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < SAID && said.insert(topic.to_owned()) {
            tracing::error!(topic, trouble, "The broker does not take a message of ours");
        }
    }
}

impl Deref for Lease {
    type Target = Up;

    fn deref(&self) -> &Up {
        &self.0.up
    }
}

impl PartialEq for Lease {
    fn eq(&self, other: &Self) -> bool {
        self.0.up == other.0.up
    }
}
