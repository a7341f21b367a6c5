//! What everybody but the session holds: publish, scan, and the link's state.

use std::collections::BTreeSet;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use super::{LinkState, PublishError};

/// What surrounds topic and payload in a PUBLISH packet, at most: header, lengths, packet id, MQTT 5's properties.
const OVERHEAD: usize = 16;

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

/// What a handle asks of the session. Each carries the epoch that it was made for, so that nothing of an old epoch
/// slips into a new one.
#[derive(Debug)]
pub(super) enum Request {
    Publish { epoch: u64, message: Message, done: oneshot::Sender<Result<(), PublishError>> },
    Scan { epoch: u64, filter: String, done: oneshot::Sender<BTreeSet<String>> },
}

/// A way to the broker. Cheap to clone; the session ends when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
    link: watch::Receiver<LinkState>,
}

/// An acknowledgement that is still to come.
#[derive(Debug)]
pub struct Ack(oneshot::Receiver<Result<(), PublishError>>);

impl Ack {
    /// Waits until the broker has acknowledged the message, or cannot any more.
    ///
    /// # Errors
    /// [`PublishError::LinkDown`] when the link went down first, [`PublishError::Refused`] when the broker said no.
    pub async fn acknowledged(self) -> Result<(), PublishError> {
        self.0.await.unwrap_or(Err(PublishError::LinkDown))
    }
}

impl Handle {
    pub(super) fn new(requests: mpsc::Sender<Request>, link: watch::Receiver<LinkState>) -> Self {
        Self { requests, link }
    }

    /// The link's state, latest wins.
    #[must_use]
    pub fn link(&self) -> watch::Receiver<LinkState> {
        self.link.clone()
    }

    /// Puts a message into the queue and returns what to wait on. Messages go out in the order of these calls.
    ///
    /// Waits while the queue is full.
    ///
    /// # Errors
    /// [`PublishError::LinkDown`] at once when the link is down; [`PublishError::TooLarge`] when it would not fit.
    pub async fn send(&self, message: Message) -> Result<Ack, PublishError> {
        let epoch = self.epoch_for(&message)?;
        let (done, ack) = oneshot::channel();
        self.requests
            .send(Request::Publish { epoch, message, done })
            .await
            .map_err(|_closed| PublishError::LinkDown)?;
        Ok(Ack(ack))
    }

    /// Publishes and waits for the acknowledgement.
    ///
    /// # Errors
    /// As [`Handle::send`] and [`Ack::acknowledged`].
    pub async fn publish(&self, message: Message) -> Result<(), PublishError> {
        self.send(message).await?.acknowledged().await
    }

    /// The topics under `filter` that hold a retained message now.
    ///
    /// # Errors
    /// [`PublishError::LinkDown`] when the link went down before the broker had told all.
    pub async fn scan(&self, filter: impl Into<String>) -> Result<BTreeSet<String>, PublishError> {
        let epoch = self.link.borrow().epoch().ok_or(PublishError::LinkDown)?;
        let (done, found) = oneshot::channel();
        self.requests
            .send(Request::Scan { epoch, filter: filter.into(), done })
            .await
            .map_err(|_closed| PublishError::LinkDown)?;
        found.await.map_err(|_dropped| PublishError::LinkDown)
    }

    fn epoch_for(&self, message: &Message) -> Result<u64, PublishError> {
        match &*self.link.borrow() {
            LinkState::Down { .. } => Err(PublishError::LinkDown),
            LinkState::Up(up) if message.packet_size() > up.max_packet => Err(PublishError::TooLarge {
                topic: message.topic.clone(),
                size: message.packet_size(),
                limit: up.max_packet,
            }),
            LinkState::Up(up) => Ok(up.epoch),
        }
    }
}
