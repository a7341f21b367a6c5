//! Bringing events to the broker: in order, at the pace, and out of the outbox only when acknowledged.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use super::Trouble;
use super::changes::{Sent, key};
use crate::broker::{Ack, Handle, Message, PublishError, Up};
use crate::camera::{CameraId, Inventory};
use crate::discovery::pace::Pace;
use crate::discovery::{Announced, Leaf, Topics};
use crate::outbox::{Outbox, Waiting};
use crate::picture;

/// Events that are under way at once: as many may come twice after a crash.
const BATCH: usize = 64;
/// What surrounds a picture in its packet, with room to spare.
const PACKET_ROOM: usize = 512;

/// What is under way, and what is to be sent again.
pub(super) struct Delivery {
    topics: Topics,
    handle: Handle,
    outbox: Outbox,
    stale_after: SignedDuration,
    pace: Pace,
    /// Cameras whose last picture Home Assistant lost: it keeps pictures in memory, and the broker keeps none.
    pictures: VecDeque<CameraId>,
}

impl Delivery {
    pub(super) fn new(topics: Topics, handle: Handle, outbox: Outbox, stale_after: Duration) -> Self {
        let stale_after = SignedDuration::try_from(stale_after).unwrap_or(SignedDuration::MAX);
        Self { topics, handle, outbox, stale_after, pace: Pace::of_events(Instant::now()), pictures: VecDeque::new() }
    }

    /// After an announcement the pictures are sent again.
    pub(super) fn announced(&mut self, announced: &Announced) {
        self.pictures = announced.cameras.iter().cloned().collect();
    }

    pub(super) fn has_pictures(&self) -> bool {
        !self.pictures.is_empty()
    }

    /// Some of what waits, and when nothing does, a picture.
    pub(super) async fn deliver(&mut self, up: &Up, inventory: &Inventory, sent: &mut Sent) -> Result<(), Trouble> {
        let batch = self.outbox.next(0, BATCH).await.map_err(Trouble::Store)?;
        if batch.is_empty() {
            return self.send_a_picture_again(up).await;
        }
        let rows = batch.iter().map(|event| event.row).collect();
        let mut acks = Vec::new();
        for event in batch {
            // A camera that was removed or disabled while its events waited has no topics any more.
            if inventory.get(&event.camera).is_some() && sent.is_announced(&event.camera) {
                self.send_event(event, up, sent, &mut acks).await?;
            } else {
                tracing::warn!(camera.id = %event.camera, event_id = event.event_id, "An event of a removed camera is dropped");
            }
        }
        for ack in acks {
            match ack.acknowledged().await {
                Ok(()) => {}
                Err(PublishError::LinkDown) => return Err(Trouble::Link),
                Err(error) => tracing::error!(%error, "The broker refused a message of an event"),
            }
        }
        self.outbox.delivered(rows).await.map_err(Trouble::Store)
    }

    async fn send_event(
        &mut self,
        event: Waiting,
        up: &Up,
        sent: &mut Sent,
        acks: &mut Vec<Ack>,
    ) -> Result<(), Trouble> {
        let topic = |leaf| self.topics.camera(&event.camera, leaf);
        let fresh = Timestamp::now().duration_since(event.timestamp) <= self.stale_after;
        let body = Bytes::copy_from_slice(event.body.as_bytes());
        let whole = Message::retained(topic(Leaf::Event), body.clone());
        let detection = fresh.then(|| Message { topic: topic(Leaf::Detection), payload: body, retain: false });
        let snapshot = match event.picture {
            Some(picture) => self.snapshot(&event.camera, picture, up).await,
            None => None,
        };
        // The state that the event makes is the broker's now; it need not be said a second time as a change.
        let (state, content) = key(&whole);
        sent.acknowledged(state, content);
        // The picture first: an automation on the detection wants to send it.
        for message in [Some(whole), snapshot, detection].into_iter().flatten() {
            self.send(message, acks).await?;
        }
        Ok(())
    }

    async fn send_a_picture_again(&mut self, up: &Up) -> Result<(), Trouble> {
        let Some(camera) = self.pictures.pop_front() else { return Ok(()) };
        let Some(picture) = self.outbox.picture(&camera).await.map_err(Trouble::Store)? else { return Ok(()) };
        let mut acks = Vec::new();
        if let Some(message) = self.snapshot(&camera, picture, up).await {
            self.send(message, &mut acks).await?;
        }
        for ack in acks {
            if let Err(PublishError::LinkDown) = ack.acknowledged().await {
                return Err(Trouble::Link);
            }
        }
        Ok(())
    }

    async fn send(&mut self, message: Message, acks: &mut Vec<Ack>) -> Result<(), Trouble> {
        sleep_until(self.pace.next(Instant::now())).await;
        match self.handle.send(message).await {
            Ok(ack) => acks.push(ack),
            Err(PublishError::LinkDown) => return Err(Trouble::Link),
            Err(error) => tracing::error!(%error, "A message of an event cannot be sent"),
        }
        Ok(())
    }

    /// The picture as the broker takes it; decoding blocks, so it happens elsewhere.
    async fn snapshot(&self, camera: &CameraId, picture: Bytes, up: &Up) -> Option<Message> {
        let topic = self.topics.camera(camera, Leaf::Snapshot);
        let limit = up.max_packet.saturating_sub(PACKET_ROOM);
        match spawn_blocking(move || picture::fit(&picture, limit)).await {
            Ok(Ok(payload)) => Some(Message { topic, payload, retain: false }),
            Ok(Err(error)) => {
                tracing::warn!(camera.id = %camera, %error, "An event's picture is not sent");
                None
            }
            Err(error) => {
                tracing::error!(camera.id = %camera, %error, "An event's picture could not be decoded");
                None
            }
        }
    }
}
