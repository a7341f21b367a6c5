//! One announcement: bridge, cameras, states, availability, and `online` last, all acknowledged.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use super::super::ledger::{Ledger, hash};
use super::super::pace::Pace;
use super::super::plan::Plan;
use super::Sources;
use super::departed::Departed;
use crate::broker::{Ack, Handle, LinkState, Message, PublishError, Up};
use crate::camera::Camera;
use crate::homeassistant::entities;
use crate::homeassistant::payload::Components;
use crate::homeassistant::payload::DevicePayload;
use crate::homeassistant::states::{self, Events, Known};
use crate::homeassistant::topics::{Owner, Topics};

/// Home Assistant drops components when two different payloads for one device come closer together than this.
const PAYLOAD_GAP: Duration = Duration::from_secs(2);
/// What Home Assistant takes to remove a device and to stop listening to its topics, and what each further one adds.
const REMOVAL: Duration = Duration::from_millis(500);
const REMOVAL_OF_ONE: Duration = Duration::from_millis(20);

/// Brings messages to the broker at the pace, and remembers what was brought.
pub struct Delivery {
    pub(super) topics: Topics,
    pub(super) handle: Handle,
    pub(super) ledger: Ledger,
    pace: Pace,
    /// Content hash and time of the last payload to each config topic.
    last_configs: HashMap<String, (i64, Instant)>,
    /// Clearings of our own whose echo is still to come.
    own_clearings: HashMap<String, u32>,
    pub(super) departed: Departed,
    /// Home Assistant has started since the last run.
    pub(super) born: bool,
}

/// The discovery messages of a plan, the bridge's first.
#[must_use]
pub fn config_messages(topics: &Topics, plan: &Plan) -> Vec<(String, Value)> {
    let bridge = config_message(topics, plan, &Owner::Bridge);
    bridge.into_iter().chain(plan.cameras.iter().map(|camera| camera_message(topics, plan, camera))).collect()
}

/// The discovery message of one device of a plan: always the same for the same plan.
#[must_use]
pub fn config_message(topics: &Topics, plan: &Plan, owner: &Owner) -> Option<(String, Value)> {
    match owner {
        Owner::Bridge => plan.bridge.then(|| message(topics, owner, &entities::bridge(topics))),
        Owner::Camera(id) => {
            let camera = plan.cameras.iter().find(|camera| camera.id == *id)?;
            Some(camera_message(topics, plan, camera))
        }
    }
}

fn camera_message(topics: &Topics, plan: &Plan, camera: &Camera) -> (String, Value) {
    let mut payload = entities::camera(topics, camera);
    if !plan.bridge {
        payload.device.via_device = None;
    }
    message(topics, &Owner::Camera(camera.id.clone()), &payload)
}

fn message(topics: &Topics, owner: &Owner, payload: &DevicePayload) -> (String, Value) {
    (topics.config(owner), serde_json::to_value(payload).expect("a payload has text keys only"))
}

impl Delivery {
    /// Nothing was brought yet.
    #[must_use]
    pub fn new(topics: Topics, handle: Handle, ledger: Ledger, pace: Pace) -> Self {
        Self {
            topics,
            handle,
            ledger,
            pace,
            last_configs: HashMap::new(),
            own_clearings: HashMap::new(),
            departed: Departed::default(),
            born: false,
        }
    }

    /// Echoes of an old connection will not come any more.
    pub fn new_epoch(&mut self) {
        self.own_clearings.clear();
        self.departed.left(Instant::now());
    }

    /// Is this the echo of a clearing of ours?
    pub fn cleared_by_us(&mut self, topic: &str) -> bool {
        match self.own_clearings.get_mut(topic) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) => drop(self.own_clearings.remove(topic)),
            None => return false,
        }
        true
    }

    /// A whole run. Returns the content hash of each state that was sent.
    ///
    /// # Errors
    /// [`PublishError::LinkDown`] when the link went down in between.
    pub async fn announce(&mut self, plan: &Plan, sources: &Sources) -> Result<HashMap<String, i64>, PublishError> {
        self.ledger.expect(plan.topics(&self.topics)).await;
        self.announce_configs(plan).await?;
        let sent = self.announce_states(plan, sources).await?;
        let online = Message::retained(self.topics.status(), states::ONLINE);
        self.handle.publish(online).await?;
        Ok(sent)
    }

    /// The discovery messages alone, acknowledged.
    ///
    /// # Errors
    /// [`PublishError::LinkDown`] when the link went down in between.
    pub async fn announce_configs(&mut self, plan: &Plan) -> Result<(), PublishError> {
        let configs = config_messages(&self.topics, plan);
        self.remove_components(&configs).await?;
        let mut acks = Vec::with_capacity(configs.len());
        for (topic, payload) in &configs {
            acks.push(self.send_config(topic, payload.to_string()).await?);
        }
        acknowledged(acks).await?;
        self.ledger.announced(configs).await;
        Ok(())
    }

    /// Components that a device had and has no more are sent once as their platform alone; leaving them out would keep
    /// them in Home Assistant for ever.
    async fn remove_components(&mut self, configs: &[(String, Value)]) -> Result<(), PublishError> {
        let mut acks = Vec::new();
        for (topic, payload) in configs {
            if let Some(transition) = without(payload, &self.ledger.components(topic)) {
                acks.push(self.send_config(topic, transition.to_string()).await?);
            }
        }
        acknowledged(acks).await
    }

    async fn send_config(&mut self, topic: &str, payload: String) -> Result<Option<Ack>, PublishError> {
        let content = hash(payload.as_bytes());
        if let Some((last, at)) = self.last_configs.get(topic)
            && *last != content
        {
            sleep_until(*at + PAYLOAD_GAP).await;
        }
        let ack = self.send(Message::retained(topic, payload)).await?;
        self.last_configs.insert(topic.to_owned(), (content, Instant::now()));
        Ok(ack)
    }

    async fn announce_states(&mut self, plan: &Plan, sources: &Sources) -> Result<HashMap<String, i64>, PublishError> {
        let topics = self.topics.clone();
        let mut sent = HashMap::new();
        let mut acks = Vec::new();
        // States are read when they are sent, not when the run began: a run of many cameras takes a while.
        let up = self.up()?;
        let bridge =
            states::bridge(&topics, &up, plan.cameras.len(), &sources.statuses.borrow(), Events::of(&sources.outbox));
        acks.push(self.send_state(bridge, &mut sent).await?);
        for camera in &plan.cameras {
            let messages = {
                let (statuses, histories) = (sources.statuses.borrow(), sources.histories.borrow());
                let hearings = sources.hearings.borrow();
                let known = Known {
                    state: statuses.get(&camera.id),
                    history: histories.get(&camera.id),
                    hearing: hearings.get(&camera.id),
                };
                states::camera(&topics, camera, known)
            };
            for message in messages {
                acks.push(self.send_state(message, &mut sent).await?);
            }
        }
        for camera in &plan.cameras {
            let message = states::availability(&topics, camera, sources.statuses.borrow().get(&camera.id));
            acks.push(self.send_state(message, &mut sent).await?);
        }
        acknowledged(acks).await?;
        Ok(sent)
    }

    async fn send_state(
        &mut self,
        message: Message,
        sent: &mut HashMap<String, i64>,
    ) -> Result<Option<Ack>, PublishError> {
        sent.insert(message.topic.clone(), hash(&message.payload));
        self.send(message).await
    }

    /// Clears retained topics, and forgets them when the broker has acknowledged it. Devices go first: an entity that still
    /// listens would complain about the empty message on its topic.
    ///
    /// # Errors
    /// [`PublishError::LinkDown`] when the link went down in between.
    pub async fn clear(&mut self, topics: Vec<String>) -> Result<(), PublishError> {
        let (configs, states): (Vec<_>, Vec<_>) = topics.into_iter().partition(|topic| Topics::is_config(topic));
        for topic in &configs {
            let Some(owner) = self.topics.config_owner(topic) else { continue };
            *self.own_clearings.entry(topic.clone()).or_default() += 1;
            self.last_configs.remove(topic);
            if let Owner::Camera(camera) = owner {
                self.departed.add(camera, self.ledger.components(topic), Instant::now());
            }
        }
        let devices = u32::try_from(configs.len()).unwrap_or(u32::MAX);
        self.clear_now(configs).await?;
        if devices > 0 && !states.is_empty() {
            sleep(REMOVAL + REMOVAL_OF_ONE.saturating_mul(devices)).await;
        }
        self.clear_now(states).await
    }

    async fn clear_now(&mut self, topics: Vec<String>) -> Result<(), PublishError> {
        let mut acks = Vec::with_capacity(topics.len());
        for topic in &topics {
            acks.push(self.send(Message::clear(topic)).await?);
        }
        acknowledged(acks).await?;
        self.ledger.cleared(topics).await;
        Ok(())
    }

    /// Hands a message over at the pace. `None`: the broker cannot take it, which is said and does not end the run.
    pub(super) async fn send(&mut self, message: Message) -> Result<Option<Ack>, PublishError> {
        sleep_until(self.pace.next(Instant::now())).await;
        match self.handle.send(message).await {
            Ok(ack) => Ok(Some(ack)),
            Err(PublishError::LinkDown) => Err(PublishError::LinkDown),
            Err(error) => {
                tracing::error!(%error, "A message cannot be sent");
                Ok(None)
            }
        }
    }

    fn up(&self) -> Result<Up, PublishError> {
        match &*self.handle.link().borrow() {
            LinkState::Up(up) => Ok(up.clone()),
            LinkState::Down { .. } => Err(PublishError::LinkDown),
        }
    }
}

pub(super) async fn acknowledged(acks: Vec<Option<Ack>>) -> Result<(), PublishError> {
    for ack in acks.into_iter().flatten() {
        match ack.acknowledged().await {
            Ok(()) => {}
            Err(PublishError::LinkDown) => return Err(PublishError::LinkDown),
            Err(error) => tracing::error!(%error, "The broker refused a message"),
        }
    }
    Ok(())
}

/// The payload with the components that are to go as their platform alone; `None` when all stay.
fn without(payload: &Value, before: &Components) -> Option<Value> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn components(pairs: &[(&str, &str)]) -> Components {
        pairs.iter().map(|(key, platform)| ((*key).to_owned(), (*platform).to_owned())).collect()
    }

    #[test]
    fn a_component_that_is_gone_is_sent_as_its_platform_alone() {
        let payload = json!({ "components": { "a": { "platform": "sensor", "unique_id": "x_a" } } });
        let transition = without(&payload, &components(&[("a", "sensor"), ("b", "button")])).unwrap();
        assert_eq!(transition["components"]["b"], json!({ "platform": "button" }));
        assert_eq!(transition["components"]["a"], payload["components"]["a"]);
    }

    #[test]
    fn a_component_that_changes_its_platform_is_taken_away_first() {
        let payload = json!({ "components": { "a": { "platform": "sensor", "unique_id": "x_a" } } });
        let transition = without(&payload, &components(&[("a", "binary_sensor")])).unwrap();
        assert_eq!(transition["components"]["a"], json!({ "platform": "binary_sensor" }));
    }

    #[test]
    fn nothing_is_sent_twice_when_all_components_stay() {
        let payload = json!({ "components": { "a": { "platform": "sensor" }, "b": { "platform": "sensor" } } });
        assert_eq!(without(&payload, &components(&[("a", "sensor")])), None);
    }
}
