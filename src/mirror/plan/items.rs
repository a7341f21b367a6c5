//! The messages of a run, each made at the moment in which it can be sent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::run::{OF_ONE, Stage};
use super::{Parcel, Plan, Step, Ticket};
use crate::broker::Message;
use crate::camera::CameraId;
use crate::homeassistant::entities;
use crate::homeassistant::payload::Components;
use crate::homeassistant::states;
use crate::homeassistant::topics::Owner;

/// Home Assistant drops components when two different payloads for one device come closer together than this.
const PAYLOAD_GAP: Duration = Duration::from_secs(2);
/// What Home Assistant takes to remove a device and to stop listening to its topics, and what each further one adds.
const REMOVAL: Duration = Duration::from_millis(500);

/// One thing of a run.
pub(super) enum Item {
    Config(Owner),
    Bridge,
    States(CameraId),
    Availability(CameraId),
    Online,
    Show(CameraId),
    Hide(CameraId),
    Clear(String),
}

impl Plan {
    pub(super) fn item(&mut self, item: Item, now: Instant) -> Step {
        let lacked =
            |plan: &Self, message: Option<Message>| message.filter(|message| plan.held.lacks(message, plan.round));
        match item {
            Item::Config(owner) => self.config(owner, now),
            Item::Bridge => {
                self.bridge_changed = false;
                let message = lacked(self, self.desired.bridge());
                message.map_or(Step::Nothing, |message| self.send(message, now, self.run_number(), None))
            }
            Item::States(camera) => {
                let message = self.desired.states(&camera).into_iter().find(|state| self.held.lacks(state, self.round));
                let Some(message) = message else { return Step::Nothing };
                if let Some(run) = &mut self.run {
                    run.queue.push_front(Item::States(camera.clone()));
                }
                self.send(message, now, self.run_number(), Some(camera))
            }
            Item::Availability(camera) => {
                let message = lacked(self, self.desired.availability(&camera));
                message.map_or(Step::Nothing, |message| self.send(message, now, self.run_number(), Some(camera)))
            }
            Item::Online => {
                let online = Message::retained(self.desired.topics.status(), states::ONLINE);
                let message = lacked(self, Some(online));
                message.map_or(Step::Nothing, |message| self.send(message, now, self.run_number(), None))
            }
            Item::Show(camera) => {
                let Some(components) = self.departed.components(&camera) else { return Step::Nothing };
                let payload = entities::departed(&self.desired.topics, &camera, components);
                let payload = serde_json::to_string(&payload).expect("a payload has text keys only");
                let message = self.to_config_of(&camera, payload);
                if let Some(run) = &mut self.run {
                    run.shown.push(camera);
                }
                self.post(message, now, false)
            }
            Item::Hide(camera) => {
                self.departed.forget(&camera);
                let message = self.to_config_of(&camera, String::new());
                self.held.clear_config(&message.topic, now);
                self.post(message, now, false)
            }
            Item::Clear(topic) => self.clear_topic(topic, now),
        }
    }

    fn run_number(&self) -> Option<u64> {
        self.run.as_ref().map(|run| run.number)
    }

    fn config(&mut self, owner: Owner, now: Instant) -> Step {
        let Some((topic, payload)) = self.desired.devices().config(&self.desired.topics, &owner) else {
            return Step::Nothing;
        };
        let message = Message::retained(&topic, payload.to_string());
        if !self.held.lacks(&message, self.round) {
            return Step::Nothing;
        }
        let Some(run) = &mut self.run else { return Step::Nothing };
        if run.stage == Stage::Configs {
            let free_at = self.held.differed_at(&message).map_or(now, |at| at + PAYLOAD_GAP);
            // Components that a device had and has no more are sent once as their platform alone; leaving them out would keep
            // them in Home Assistant for ever.
            let transition = without(&payload, &self.ledger.components(&topic));
            if transition.is_some() || free_at > now {
                run.again.push(owner);
                run.again_from = run.again_from.max(if transition.is_some() { now + PAYLOAD_GAP } else { free_at });
                return match transition {
                    Some(transition) => {
                        self.send(Message::retained(topic, transition.to_string()), now, self.run_number(), None)
                    }
                    None => Step::Nothing,
                };
            }
        }
        run.payloads.push((topic, payload));
        self.send(message, now, self.run_number(), None)
    }

    fn clear_topic(&mut self, topic: String, now: Instant) -> Step {
        // It may have become wanted since the run began to clear.
        if self.wants(&topic) || !self.ledger.knows(&topic) {
            return Step::Nothing;
        }
        match self.desired.topics.config_owner(&topic) {
            Some(owner) => {
                self.held.clear_config(&topic, now);
                self.removed_until = self.removed_until.max(now + REMOVAL) + OF_ONE;
                if let Owner::Camera(camera) = owner
                    && !self.desired.dismissed().contains(&Owner::Camera(camera.clone()))
                {
                    self.departed.add(camera, self.ledger.components(&topic), now);
                }
            }
            None => self.held.forget(&topic),
        }
        self.post(Message::clear(topic), now, true)
    }

    /// Sends something that the broker is to hold.
    pub(super) fn send(&mut self, message: Message, now: Instant, run: Option<u64>, camera: Option<CameraId>) -> Step {
        if run.is_some() {
            self.pace.next(now);
        }
        if let Some(run) = self.run.as_mut().filter(|_| run.is_some()) {
            run.under_way += 1;
        }
        self.held.send(&message, self.round, now);
        let ticket = Ticket { topic: message.topic.clone(), run, camera, clears: false };
        Step::Send(Parcel { message, ticket })
    }

    /// Sends something after which the broker holds nothing.
    fn post(&mut self, message: Message, now: Instant, clears: bool) -> Step {
        self.pace.next(now);
        let run = self.run_number();
        if let Some(run) = &mut self.run {
            run.under_way += 1;
        }
        let ticket = Ticket { topic: message.topic.clone(), run, camera: None, clears };
        Step::Send(Parcel { message, ticket })
    }

    fn to_config_of(&self, camera: &CameraId, payload: String) -> Message {
        let topic = self.desired.topics.config(&Owner::Camera(camera.clone()));
        Message { topic, payload: payload.into(), retain: false }
    }
}

/// The payload with the components that are to go as their platform alone; `None` when all stay.
pub(super) fn without(payload: &Value, before: &Components) -> Option<Value> {
    let now = payload["components"].as_object()?;
    let gone: BTreeMap<&String, Value> = before
        .iter()
        .filter(|(key, platform)| now.get(*key).is_none_or(|component| component["platform"] != **platform))
        .map(|(key, platform)| (key, serde_json::json!({ "platform": platform })))
        .collect();
    if gone.is_empty() {
        return None;
    }
    let mut transition = payload.clone();
    for (key, removal) in gone {
        transition["components"][key] = removal;
    }
    Some(transition)
}
