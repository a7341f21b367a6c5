//! Which states differ from what the broker has. Pure.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::SignedDuration;

use crate::broker::{Message, Up};
use crate::camera::{CameraId, CameraState, HearingState, Hearings, Inventory, Statuses};
use crate::events::outbox::{Histories, History};
use crate::homeassistant::states::{self, Events, Known};
use crate::homeassistant::{Leaf, Topics};
use crate::mirror::Announced;
use crate::mirror::ledger::hash;

/// How often the figures of a steady stream are sent.
const FIGURES_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// What is true now.
pub(super) struct World<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) statuses: &'a Statuses,
    pub(super) histories: &'a Histories,
    pub(super) hearings: &'a Hearings,
    pub(super) events: Events,
    /// No event is on its way: the last delivered one is the last that was sent.
    pub(super) settled: bool,
}

/// What the broker has of us.
#[derive(Default)]
pub(super) struct Sent {
    epoch: Option<u64>,
    cameras: Arc<BTreeSet<CameraId>>,
    /// Cameras whose devices the user deleted in Home Assistant.
    dismissed: BTreeSet<CameraId>,
    hashes: HashMap<String, i64>,
    /// What the hashes were made from; empty right after an announcement.
    said: HashMap<CameraId, Said>,
}

/// What a camera's states were made from.
struct Said {
    state: Option<CameraState>,
    history: Option<History>,
    hearing: Option<HearingState>,
}

impl Sent {
    pub(super) fn announced(announced: &Announced) -> Self {
        Self {
            epoch: Some(announced.epoch),
            cameras: announced.cameras.clone(),
            dismissed: announced.plan.dismissed.clone(),
            hashes: (*announced.sent).clone(),
            said: HashMap::new(),
        }
    }

    pub(super) fn epoch(&self) -> Option<u64> {
        self.epoch
    }

    /// The link went down: nothing is sent before the next announcement.
    pub(super) fn forget_epoch(&mut self) {
        self.epoch = None;
    }

    pub(super) fn is_announced(&self, camera: &CameraId) -> bool {
        self.cameras.contains(camera)
    }

    /// The last announcement knew of the camera and left it out, because its user deleted it in Home Assistant.
    pub(super) fn is_dismissed(&self, camera: &CameraId) -> bool {
        self.dismissed.contains(camera)
    }

    /// A state was sent in this epoch: the broker has it, or the epoch is over.
    pub(super) fn said(&mut self, topic: String, content: i64) {
        self.hashes.insert(topic, content);
    }

    /// The messages that bring the broker up to date.
    pub(super) fn changed(&mut self, topics: &Topics, up: &Up, world: &World<'_>) -> Vec<Message> {
        let mut messages = Vec::new();
        for camera in world.inventory.iter().filter(|camera| self.cameras.contains(&camera.id)) {
            let known = Known {
                state: world.statuses.get(&camera.id),
                history: world.histories.get(&camera.id),
                hearing: world.hearings.get(&camera.id),
            };
            if self.said.get(&camera.id).is_none_or(|said| is_news(said, known)) {
                messages.extend(states::camera(topics, camera, known));
                messages.push(states::availability(topics, camera, known.state));
                let mut history = known.history.cloned();
                if !world.settled {
                    // A newer event is on the topic than the last delivered one: it is looked at again when all has landed.
                    let event = topics.camera(&camera.id, Leaf::Event);
                    messages.retain(|message| message.topic != event);
                    history = history.map(|history| History { delivered: None, ..history });
                }
                let said = Said { state: known.state.cloned(), history, hearing: known.hearing.cloned() };
                self.said.insert(camera.id.clone(), said);
            }
        }
        messages.push(states::bridge(topics, up, self.cameras.len(), world.statuses, world.events));
        messages.retain(|message| self.hashes.get(&message.topic) != Some(&hash(&message.payload)));
        messages
    }
}

/// A message's topic and content.
pub(super) fn key(message: &Message) -> (String, i64) {
    (message.topic.clone(), hash(&message.payload))
}

fn is_news(said: &Said, now: Known<'_>) -> bool {
    let status_changed = match (said.state.as_ref(), now.state) {
        (Some(before), Some(after)) => is_status_news(before, after),
        (before, after) => before.is_some() != after.is_some(),
    };
    status_changed || said.history.as_ref() != now.history || said.hearing.as_ref() != now.hearing
}

/// Every probe brings a new latency and a new time of the last frame. Home Assistant writes each change into its
/// database, so figures alone are said at most once per [`FIGURES_EVERY`].
fn is_status_news(said: &CameraState, now: &CameraState) -> bool {
    let stream = |state: &CameraState| state.sighting.as_ref().map(|seen| (seen.codec.clone(), seen.resolution));
    let aged = match (said.last_frame_at, now.last_frame_at) {
        (Some(before), Some(after)) => after.duration_since(before) >= FIGURES_EVERY,
        (before, after) => before != after,
    };
    (said.status, said.reason, said.since) != (now.status, now.reason, now.since) || stream(said) != stream(now) || aged
}
