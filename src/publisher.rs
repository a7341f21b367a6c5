//! The publisher: the task that sends states when they change, once the epoch was announced.
//!
//! In: statuses, [`Announced`], the link. Out: messages through the broker's handle. It sends a state only when it differs
//! from what the broker has in this epoch, so an announcement's states are not said twice.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::watch;

use crate::broker::{Handle, LinkState, Message, PublishError, Up};
use crate::camera::{CameraId, CameraState, Inventory, Statuses};
use crate::discovery::ledger::hash;
use crate::discovery::{Announced, Topics, states};

/// How often the figures of a steady stream are sent.
const FIGURES_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// What the publisher listens to.
pub struct Sources {
    /// The desired cameras.
    pub inventory: watch::Receiver<Inventory>,
    /// Their statuses. Its end is the publisher's end.
    pub statuses: watch::Receiver<Statuses>,
    /// What was announced last.
    pub announced: watch::Receiver<Option<Announced>>,
}

/// The task.
pub struct Publisher {
    topics: Topics,
    handle: Handle,
    sources: Sources,
    sent: Sent,
}

/// What the broker has of us.
#[derive(Default)]
struct Sent {
    epoch: Option<u64>,
    cameras: Arc<BTreeSet<CameraId>>,
    hashes: HashMap<String, i64>,
    /// The states that the hashes were made from; empty right after an announcement.
    said: HashMap<CameraId, CameraState>,
}

impl Publisher {
    /// A publisher that has sent nothing.
    #[must_use]
    pub fn new(topics: Topics, handle: Handle, sources: Sources) -> Self {
        Self { topics, handle, sources, sent: Sent::default() }
    }

    /// Publishes changes until no status can change any more.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                changed = self.sources.statuses.changed() => if changed.is_err() { break },
                Ok(()) = self.sources.announced.changed() => self.adopt(),
            }
            self.publish_changes().await;
        }
        self.publish_changes().await;
    }

    /// An announcement said everything; what it sent is what the broker has.
    fn adopt(&mut self) {
        if let Some(announced) = &*self.sources.announced.borrow_and_update() {
            self.sent = Sent {
                epoch: Some(announced.epoch),
                cameras: announced.cameras.clone(),
                hashes: (*announced.sent).clone(),
                said: HashMap::new(),
            };
        }
    }

    async fn publish_changes(&mut self) {
        let up = match &*self.handle.link().borrow() {
            LinkState::Up(up) if self.sent.epoch == Some(up.epoch) => up.clone(),
            // Not announced yet: the announcement will say it.
            _ => return,
        };
        let changed = self.changed(&up);
        let mut acks = Vec::with_capacity(changed.len());
        for message in changed {
            let key = (message.topic.clone(), hash(&message.payload));
            match self.handle.send(message).await {
                Ok(ack) => acks.push((key, ack)),
                Err(PublishError::LinkDown) => return,
                Err(error) => tracing::error!(%error, "A state cannot be sent"),
            }
        }
        for ((topic, content), ack) in acks {
            match ack.acknowledged().await {
                Ok(()) => drop(self.sent.hashes.insert(topic, content)),
                Err(PublishError::LinkDown) => return,
                Err(error) => tracing::error!(%error, "The broker refused a state"),
            }
        }
    }

    fn changed(&mut self, up: &Up) -> Vec<Message> {
        let inventory = self.sources.inventory.borrow();
        let statuses = self.sources.statuses.borrow_and_update();
        let mut messages = Vec::new();
        for camera in inventory.iter().filter(|camera| self.sent.cameras.contains(&camera.id)) {
            let Some(state) = statuses.get(&camera.id) else { continue };
            if self.sent.said.get(&camera.id).is_none_or(|said| is_news(said, state)) {
                messages.extend(states::camera(&self.topics, camera, Some(state)));
                messages.push(states::availability(&self.topics, camera, Some(state)));
                self.sent.said.insert(camera.id.clone(), state.clone());
            }
        }
        messages.push(states::bridge(&self.topics, up, self.sent.cameras.len(), &statuses));
        messages.retain(|message| self.sent.hashes.get(&message.topic) != Some(&hash(&message.payload)));
        messages
    }
}

/// Every probe brings a new latency and a new time of the last frame. Home Assistant writes each change into its
/// database, so figures alone are said at most once per [`FIGURES_EVERY`].
fn is_news(said: &CameraState, now: &CameraState) -> bool {
    let stream = |state: &CameraState| state.sighting.as_ref().map(|seen| (seen.codec.clone(), seen.resolution));
    let aged = match (said.last_frame_at, now.last_frame_at) {
        (Some(before), Some(after)) => after.duration_since(before) >= FIGURES_EVERY,
        (before, after) => before != after,
    };
    (said.status, said.reason, said.since) != (now.status, now.reason, now.since) || stream(said) != stream(now) || aged
}
