//! What is to be on the broker: a payload for each topic of ours. Pure.
//!
//! In: the inventory, what the user took out in Home Assistant, statuses, histories, the link. Out: messages, made when they are
//! asked for and so never older than what is known. Figures that change with every probe count as news now and then only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;

use crate::broker::{Message, Up};
use crate::camera::{Camera, CameraId, CameraState, HearingState, Hearings, Inventory, Status, Statuses};
use crate::events::outbox::{Histories, History};
use crate::homeassistant::entities;
use crate::homeassistant::payload::DevicePayload;
use crate::homeassistant::states::{self, Events, Known};
use crate::homeassistant::topics::{Leaf, Owner, Topics};

/// How often the figures of a steady stream are sent.
const FIGURES_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// The devices that Home Assistant is to show: the inventory, less what the user took out there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Devices {
    /// Is the bridge's device among them?
    pub bridge: bool,
    /// The cameras, in the order of the options.
    pub cameras: Vec<Camera>,
    /// The cameras of the inventory whose devices the user deleted.
    pub dismissed: BTreeSet<CameraId>,
}

impl Devices {
    /// The inventory without the devices that the user deleted in Home Assistant.
    #[must_use]
    pub fn new(inventory: &Inventory, dismissed: &BTreeSet<Owner>) -> Self {
        let (gone, cameras): (Vec<_>, Vec<_>) =
            inventory.iter().cloned().partition(|camera| dismissed.contains(&Owner::Camera(camera.id.clone())));
        let dismissed_cameras = gone.into_iter().map(|camera| camera.id).collect();
        Self { bridge: !dismissed.contains(&Owner::Bridge), cameras, dismissed: dismissed_cameras }
    }

    /// Whose they are, the bridge first.
    pub(super) fn owners(&self) -> impl Iterator<Item = Owner> {
        let cameras = self.cameras.iter().map(|camera| Owner::Camera(camera.id.clone()));
        self.bridge.then_some(Owner::Bridge).into_iter().chain(cameras)
    }

    /// The discovery message of one device: always the same for the same devices.
    pub(super) fn config(&self, topics: &Topics, owner: &Owner) -> Option<(String, Value)> {
        let payload = match owner {
            Owner::Bridge => self.bridge.then(|| entities::bridge(topics))?,
            Owner::Camera(id) => {
                let mut payload = entities::camera(topics, self.cameras.iter().find(|camera| camera.id == *id)?);
                if !self.bridge {
                    payload.device.via_device = None;
                }
                payload
            }
        };
        Some((topics.config(owner), as_json(&payload)))
    }

    /// Every topic on which we keep, or may keep, a message.
    pub(super) fn topics(&self, topics: &Topics) -> BTreeSet<String> {
        let cameras = self.cameras.iter().flat_map(|camera| {
            let kept = Leaf::RETAINED.iter().filter(|leaf| has(camera, **leaf));
            let states = kept.map(|leaf| topics.camera(&camera.id, *leaf));
            states.chain([topics.config(&Owner::Camera(camera.id.clone()))])
        });
        let bridge = self.bridge.then(|| topics.config(&Owner::Bridge));
        cameras.chain(bridge).chain([topics.status(), topics.bridge_state()]).collect()
    }
}

/// Whether a camera has this topic: one without a host has nothing to be heard by.
fn has(camera: &Camera, leaf: Leaf) -> bool {
    leaf != Leaf::Hearing || camera.host.is_some()
}

fn as_json(payload: &DevicePayload) -> Value {
    serde_json::to_value(payload).expect("a payload has text keys only")
}

/// What is known, and what is to be said of it.
pub(super) struct Desired {
    pub(super) topics: Topics,
    inventory: Inventory,
    dismissed: BTreeSet<Owner>,
    devices: Arc<Devices>,
    /// The devices' cameras, for looking them up.
    cameras: BTreeMap<CameraId, Camera>,
    seen: BTreeMap<CameraId, Seen>,
    pub(super) up: Option<Up>,
    pub(super) events: Events,
}

/// What of a camera is shown.
#[derive(Default)]
struct Seen {
    state: Option<CameraState>,
    history: Option<History>,
    hearing: Option<HearingState>,
}

impl Desired {
    pub(super) fn new(topics: Topics) -> Self {
        Self {
            topics,
            inventory: Inventory::default(),
            dismissed: BTreeSet::new(),
            devices: Arc::default(),
            cameras: BTreeMap::new(),
            seen: BTreeMap::new(),
            up: None,
            events: Events::default(),
        }
    }

    pub(super) fn devices(&self) -> &Arc<Devices> {
        &self.devices
    }

    pub(super) fn dismissed(&self) -> &BTreeSet<Owner> {
        &self.dismissed
    }

    /// A device that the user deleted is forgotten with its camera: should that come back, so does the device.
    pub(super) fn set_inventory(&mut self, inventory: Inventory) {
        self.dismissed.retain(|owner| !matches!(owner, Owner::Camera(id) if inventory.get(id).is_none()));
        self.inventory = inventory;
        self.renew();
    }

    /// The user deleted a device in Home Assistant. Returns whether that is news of one that was to be there.
    pub(super) fn dismiss(&mut self, owner: Owner) -> bool {
        let wanted = match &owner {
            Owner::Bridge => true,
            Owner::Camera(camera) => self.inventory.get(camera).is_some(),
        };
        let news = wanted && self.dismissed.insert(owner);
        self.renew();
        news
    }

    /// Also what the user deleted is to be there again.
    pub(super) fn want_all(&mut self) {
        self.dismissed.clear();
        self.renew();
    }

    fn renew(&mut self) {
        self.devices = Arc::new(Devices::new(&self.inventory, &self.dismissed));
        self.cameras = self.devices.cameras.iter().map(|camera| (camera.id.clone(), camera.clone())).collect();
        self.seen.retain(|camera, _| self.cameras.contains_key(camera));
    }

    /// Takes statuses over. Returns the cameras of which there is something new to say.
    pub(super) fn see_statuses(&mut self, statuses: &Statuses) -> Vec<CameraId> {
        self.see(|camera, seen| match (statuses.get(camera), &mut seen.state) {
            (Some(now), Some(shown)) if !is_news(shown, now) => false,
            (now, shown) if shown.as_ref() == now => false,
            (now, shown) => {
                *shown = now.cloned();
                true
            }
        })
    }

    /// Takes histories over. Returns the cameras of which there is something new to say. What was delivered is the courier's.
    pub(super) fn see_histories(&mut self, histories: &Histories) -> Vec<CameraId> {
        self.see(|camera, seen| {
            let now = histories.get(camera);
            let same = match (&seen.history, now) {
                (Some(shown), Some(now)) => shown.tells_the_same_as(now),
                (shown, now) => shown.is_none() && now.is_none(),
            };
            if !same {
                seen.history = now.cloned();
            }
            !same
        })
    }

    /// Takes over whether cameras are heard. Returns the cameras of which there is something new to say.
    pub(super) fn see_hearings(&mut self, hearings: &Hearings) -> Vec<CameraId> {
        self.see(|camera, seen| {
            let now = hearings.get(camera);
            let news = seen.hearing.as_ref() != now;
            if news {
                seen.hearing = now.cloned();
            }
            news
        })
    }

    fn see(&mut self, mut take: impl FnMut(&CameraId, &mut Seen) -> bool) -> Vec<CameraId> {
        let mut news = Vec::new();
        for id in self.cameras.keys() {
            let seen = self.seen.entry(id.clone()).or_default();
            if take(id, seen) {
                news.push(id.clone());
            }
        }
        news
    }

    /// Whether a topic is to hold a message of ours.
    pub(super) fn wants(&self, topic: &str) -> bool {
        if let Some(owner) = self.topics.config_owner(topic) {
            return match owner {
                Owner::Bridge => self.devices.bridge,
                Owner::Camera(camera) => self.cameras.contains_key(&camera),
            };
        }
        let of_a_camera =
            self.topics.state_owner(topic).and_then(|camera| self.cameras.get(&camera)).is_some_and(|camera| {
                has(camera, Leaf::Hearing) || topic != self.topics.camera(&camera.id, Leaf::Hearing)
            });
        of_a_camera || topic == self.topics.status() || topic == self.topics.bridge_state()
    }

    /// The retained states of one camera, without its availability. Empty when it has no device.
    pub(super) fn states(&self, id: &CameraId) -> Vec<Message> {
        let Some((camera, seen)) = self.cameras.get(id).zip(self.seen.get(id)) else { return Vec::new() };
        let known =
            Known { state: seen.state.as_ref(), history: seen.history.as_ref(), hearing: seen.hearing.as_ref() };
        states::camera(&self.topics, camera, known)
    }

    /// One camera's availability.
    pub(super) fn availability(&self, id: &CameraId) -> Option<Message> {
        let (camera, seen) = self.cameras.get(id).zip(self.seen.get(id))?;
        Some(states::availability(&self.topics, camera, seen.state.as_ref()))
    }

    /// The bridge's state. It counts the cameras that are announced, and no others.
    pub(super) fn bridge(&self) -> Option<Message> {
        let up = self.up.as_ref()?;
        let is_online = |seen: &&Seen| seen.state.as_ref().is_some_and(|state| state.status == Status::Online);
        let online = self.seen.values().filter(is_online).count();
        Some(states::bridge(&self.topics, up, states::Count { total: self.cameras.len(), online }, self.events))
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
