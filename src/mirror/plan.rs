//! From what is on the broker to what should be there: the next step. Pure, time is an argument.
//!
//! Changes of states go first and at once. A *run* says everything that the broker lacks, in this order: configs, states,
//! availabilities, `online`; then it takes away what is no longer wanted. Each kind begins when the one before was acknowledged. In
//! a new *round* everything counts as lacking: the broker may have lost it, or Home Assistant was away. Payloads are made when they
//! are sent, so no step writes an older value over a newer one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use rand::Rng;
use serde_json::Value;
use tokio::time::Instant;

use super::departed::Departed;
use super::desired::Desired;
use super::held::Held;
use super::ledger::Ledger;
use super::pace::Pace;
use super::schedule::Schedule;
use crate::broker::{Message, Up};
use crate::camera::{CameraId, Hearings, Inventory, Statuses};
use crate::events::outbox::Histories;
use crate::homeassistant::entities;
use crate::homeassistant::payload::Components;
use crate::homeassistant::states::{self, Events};
use crate::homeassistant::topics::{Owner, Topics};

/// Home Assistant drops components when two different payloads for one device come closer together than this.
const PAYLOAD_GAP: Duration = Duration::from_secs(2);
/// What Home Assistant takes to remove a device and to stop listening to its topics, and what each further one adds.
const REMOVAL: Duration = Duration::from_millis(500);
/// What it takes to set up a device that is shown once more.
const SHOWN: Duration = Duration::from_secs(1);
const OF_ONE: Duration = Duration::from_millis(20);
/// Each change of the bridge's state is a row in Home Assistant's database; the number of waiting events changes with every event.
const BRIDGE_EVERY: Duration = Duration::from_secs(1);
/// Leftovers that nobody remembers are taken away so many in an epoch: whoever fills our topics with junk is not followed for ever.
const FOUND: usize = 2_000;

/// What is wanted of the mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Everything, for as long as the service runs.
    Service,
    /// The discovery messages, once.
    Devices,
    /// That nothing of ours is left, once.
    Nothing,
}

/// What is to be done next.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// This goes out now.
    Send(Parcel),
    /// The broker is looked through for retained topics of ours.
    Scan,
    /// Everything was said.
    Announced(Duration),
    /// Nothing, or nothing yet.
    Nothing,
}

/// A message, and what its landing means.
#[derive(Debug, PartialEq)]
pub(super) struct Parcel {
    pub(super) message: Message,
    pub(super) ticket: Ticket,
}

/// What is to be known when a message has landed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ticket {
    topic: String,
    /// The run that waits for it.
    run: Option<u64>,
    /// The camera whose states may go on.
    camera: Option<CameraId>,
    clears: bool,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Remember,
    Configs,
    SecondConfigs,
    States,
    Online,
    Show,
    Hide,
    ClearDevices,
    ClearStates,
    Scan,
}

/// One thing of a run.
enum Item {
    Config(Owner),
    Bridge,
    States(CameraId),
    Availability(CameraId),
    Online,
    Show(CameraId),
    Hide(CameraId),
    Clear(String),
}

struct Run {
    number: u64,
    stage: Stage,
    queue: VecDeque<Item>,
    under_way: usize,
    not_before: Instant,
    began: Instant,
    /// Devices that get a second payload, and when the first was sent.
    again: Vec<Owner>,
    again_from: Instant,
    /// Payloads of this run, for the ledger.
    payloads: Vec<(String, Value)>,
    /// Departed devices that Home Assistant was shown once more.
    shown: Vec<CameraId>,
    cleared: (usize, usize),
    looked: bool,
}

/// The plan.
pub(super) struct Plan {
    goal: Goal,
    pub(super) desired: Desired,
    pub(super) ledger: Ledger,
    held: Held,
    departed: Departed,
    schedule: Schedule,
    pace: Pace,
    run: Option<Run>,
    number: u64,
    round: u64,
    /// Cameras whose states may differ from what the broker has, and those of them that wait for a landing.
    changed: BTreeSet<CameraId>,
    blocked: BTreeSet<CameraId>,
    bridge_changed: bool,
    bridge_from: Instant,
    /// Home Assistant has started since the last run.
    born: bool,
    scanned: bool,
    /// Home Assistant has stopped listening to the devices that were cleared.
    removed_until: Instant,
    /// The courier sends nothing more to cameras that were not in this announcement.
    adopted: u64,
    announced: u64,
}

impl Plan {
    pub(super) fn new(goal: Goal, topics: Topics, ledger: Ledger, now: Instant) -> Self {
        Self {
            goal,
            desired: Desired::new(topics),
            ledger,
            held: Held::default(),
            departed: Departed::default(),
            schedule: Schedule::default(),
            pace: Pace::new(now),
            run: None,
            number: 0,
            round: 0,
            changed: BTreeSet::new(),
            blocked: BTreeSet::new(),
            bridge_changed: false,
            bridge_from: now,
            born: false,
            scanned: false,
            removed_until: now,
            // A single command has no courier beside it.
            adopted: if goal == Goal::Service { 0 } else { u64::MAX },
            announced: 0,
        }
    }

    /// The link is up in a new epoch: everything once more, for the broker may have forgotten it.
    pub(super) fn link_is_up(&mut self, up: Up, now: Instant) {
        self.link_is_down();
        self.desired.up = Some(up);
        self.held.new_epoch();
        self.departed.left(now);
        self.scanned = false;
        self.round += 1;
        self.schedule.now(now);
    }

    pub(super) fn link_is_down(&mut self) {
        self.desired.up = None;
        self.run = None;
        self.blocked.clear();
    }

    pub(super) fn set_inventory(&mut self, inventory: Inventory, now: Instant) {
        self.desired.set_inventory(inventory);
        self.schedule.soon(now);
    }

    pub(super) fn see_statuses(&mut self, statuses: &Statuses) {
        let news = self.desired.see_statuses(statuses);
        self.bridge_changed |= !news.is_empty();
        self.changed.extend(news);
    }

    pub(super) fn see_histories(&mut self, histories: &Histories) {
        self.changed.extend(self.desired.see_histories(histories));
    }

    pub(super) fn see_hearings(&mut self, hearings: &Hearings) {
        self.changed.extend(self.desired.see_hearings(hearings));
    }

    pub(super) fn see_events(&mut self, events: Events) {
        self.bridge_changed |= self.desired.events != events;
        self.desired.events = events;
    }

    /// Home Assistant has started.
    pub(super) fn birth(&mut self, now: Instant, rng: &mut impl Rng) {
        self.departed.arrived();
        self.born = true;
        self.round += 1;
        self.schedule.birth(now, rng);
    }

    /// Home Assistant has gone.
    pub(super) fn will(&mut self, now: Instant) {
        self.departed.left(now);
    }

    /// Everything once more, also the devices that the user deleted.
    pub(super) fn announce_again(&mut self, now: Instant) {
        self.desired.want_all();
        self.round += 1;
        self.schedule.soon(now);
    }

    /// Somebody else spoke for us. Returns whether that is to be contradicted.
    pub(super) fn said_offline(&mut self, now: Instant) -> bool {
        let status = self.desired.topics.status();
        let ours = self.desired.up.is_some() && self.held.knows(&status);
        if ours {
            self.held.forget(&status);
            self.schedule.soon(now);
        }
        ours
    }

    /// Configs of this owner were cleared so many times. Returns whether the user has just deleted the device.
    pub(super) fn hear_clearing(&mut self, owner: Owner, times: u32, now: Instant) -> bool {
        let topic = self.desired.topics.config(&owner);
        if !self.held.hear_clearings(&topic, times, now) || !self.desired.dismiss(owner.clone()) {
            return false;
        }
        if let Owner::Camera(camera) = &owner {
            self.departed.forget(camera);
        }
        self.held.forget(&topic);
        self.schedule.soon(now);
        true
    }

    /// Takes these topics away with the next run, as far as they are of ours and not wanted. Returns those.
    pub(super) fn clear(&mut self, mut topics: Vec<String>, now: Instant) -> Vec<String> {
        topics.retain(|topic| self.desired.topics.is_own(topic) && !self.wants(topic));
        topics.sort_unstable();
        topics.dedup();
        self.ledger.expect(topics.clone());
        self.schedule.soon(now);
        topics
    }

    /// What the scan found to be ours.
    pub(super) fn found(&mut self, found: BTreeSet<String>, now: Instant) {
        self.scanned = true;
        let leftovers: Vec<_> = found.into_iter().filter(|topic| !self.wants(topic)).take(FOUND).collect();
        let some = !leftovers.is_empty();
        self.ledger.expect(leftovers);
        match self.run.as_mut().filter(|run| run.stage == Stage::Scan) {
            Some(run) => (run.stage, run.looked) = (Stage::Hide, true),
            None if some => self.schedule.soon(now),
            None => {}
        }
    }

    pub(super) fn wants(&self, topic: &str) -> bool {
        self.goal != Goal::Nothing && self.desired.wants(topic)
    }

    /// The courier has taken over the announcement with this number.
    pub(super) fn adopted(&mut self, runs: u64) {
        self.adopted = runs;
    }

    /// A message has landed, or the broker does not take it.
    pub(super) fn landed(&mut self, ticket: Ticket) {
        self.held.landed(&ticket.topic);
        // It may have become wanted again meanwhile.
        if ticket.clears && !self.wants(&ticket.topic) {
            self.ledger.cleared(&ticket.topic);
        }
        if let Some(run) = self.run.as_mut().filter(|run| Some(run.number) == ticket.run) {
            run.under_way -= 1;
        }
        if let Some(camera) = ticket.camera
            && self.blocked.remove(&camera)
        {
            self.changed.insert(camera);
        }
    }

    /// Whether nothing is left to do until something happens.
    pub(super) fn is_done(&self) -> bool {
        self.run.is_none() && self.schedule.due().is_none() && self.ledger.is_written()
    }

    /// Whether every state that changed is on the broker, or the link is down.
    pub(super) fn is_settled(&self) -> bool {
        self.desired.up.is_none() || (self.changed.is_empty() && self.blocked.is_empty())
    }

    /// When there is something to do, as far as that is known now.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        self.desired.up.as_ref()?;
        let changes = (!self.changed.is_empty()).then_some(now);
        let bridge = self.bridge_changed.then_some(self.bridge_from);
        let run = match &self.run {
            None => self.schedule.due(),
            Some(run) if !run.queue.is_empty() => Some(self.pace.due(now).max(run.not_before)),
            Some(run) if run.under_way > 0 || self.is_held_up(run) => None,
            Some(run) => Some(run.not_before),
        };
        let another = self.schedule.due().filter(|_| self.run.as_ref().is_some_and(|run| run.stage > Stage::Online));
        [changes, bridge, run, another].into_iter().flatten().min()
    }

    /// What others have to do before the run goes on.
    fn is_held_up(&self, run: &Run) -> bool {
        match run.stage {
            Stage::Remember => !self.ledger.is_written(),
            // From here on nothing is written to the topics of a camera that has gone.
            Stage::ClearDevices => self.adopted < self.announced,
            Stage::Scan => !self.scanned,
            _ => false,
        }
    }

    /// The next step. What it returns has to be done.
    pub(super) fn next(&mut self, now: Instant) -> Step {
        if self.desired.up.is_none() {
            return Step::Nothing;
        }
        if let Some(step) = self.next_change(now) {
            return step;
        }
        if self.run.is_none() {
            if self.schedule.due().is_some_and(|due| due <= now) {
                self.begin(now);
            }
            return Step::Nothing;
        }
        self.go_on(now)
    }

    /// A state that changed goes out unless one to its topic is still under way: meanwhile further changes gather.
    fn next_change(&mut self, now: Instant) -> Option<Step> {
        // What was not said in this epoch yet is said by a run.
        let differs = |held: &Held, state: &Message| held.knows(&state.topic) && held.lacks(state, 0);
        while let Some(camera) = self.changed.pop_first() {
            let states = self.desired.states(&camera).into_iter().chain(self.desired.availability(&camera));
            let mut due: Vec<_> = states.filter(|state| differs(&self.held, state)).collect();
            match due.iter().position(|state| !self.held.is_under_way(&state.topic)) {
                Some(first) => {
                    self.changed.insert(camera.clone());
                    return Some(self.send(due.swap_remove(first), now, None, Some(camera)));
                }
                None if due.is_empty() => {}
                None => drop(self.blocked.insert(camera)),
            }
        }
        if self.bridge_changed && self.bridge_from <= now {
            self.bridge_changed = false;
            let message = self.desired.bridge().filter(|state| differs(&self.held, state))?;
            self.bridge_from = now + BRIDGE_EVERY;
            return Some(self.send(message, now, None, None));
        }
        None
    }

    fn begin(&mut self, now: Instant) {
        self.schedule.begin();
        self.number += 1;
        match self.goal {
            Goal::Service | Goal::Devices => self.ledger.expect(self.desired.devices().topics(&self.desired.topics)),
            Goal::Nothing => self.ledger.expect([self.desired.topics.status()]),
        }
        self.run = Some(Run {
            number: self.number,
            stage: Stage::Remember,
            queue: VecDeque::new(),
            under_way: 0,
            not_before: now,
            began: now,
            again: Vec::new(),
            again_from: now,
            payloads: Vec::new(),
            shown: Vec::new(),
            cleared: (0, 0),
            looked: false,
        });
    }

    fn go_on(&mut self, now: Instant) -> Step {
        let Some(run) = &mut self.run else { return Step::Nothing };
        // What is asked for meanwhile waits only for the part that makes everything available.
        if run.stage > Stage::Online && self.schedule.due().is_some_and(|due| due <= now) {
            self.end(now);
            return Step::Nothing;
        }
        if run.not_before > now || (!run.queue.is_empty() && self.pace.due(now) > now) {
            return Step::Nothing;
        }
        if let Some(item) = run.queue.pop_front() {
            return self.item(item, now);
        }
        match &self.run {
            Some(run) if run.under_way == 0 && !self.is_held_up(run) => self.next_stage(now),
            _ => Step::Nothing,
        }
    }

    fn next_stage(&mut self, now: Instant) -> Step {
        let devices = self.desired.devices().clone();
        let Some(mut run) = self.run.take() else { return Step::Nothing };
        let mut step = Step::Nothing;
        match run.stage {
            Stage::Remember if self.goal == Goal::Nothing => run.stage = Stage::Hide,
            Stage::Remember => {
                run.stage = Stage::Configs;
                run.queue = devices.owners().map(Item::Config).collect();
            }
            Stage::Configs if !run.again.is_empty() => {
                run.stage = Stage::SecondConfigs;
                run.queue = run.again.drain(..).map(Item::Config).collect();
                run.not_before = run.again_from;
            }
            Stage::Configs | Stage::SecondConfigs => {
                for (topic, payload) in run.payloads.drain(..) {
                    self.ledger.announced(&topic, &payload);
                }
                if self.goal == Goal::Devices {
                    return self.end(now);
                }
                run.stage = Stage::States;
                let cameras = || devices.cameras.iter().map(|camera| camera.id.clone());
                run.queue = std::iter::once(Item::Bridge)
                    .chain(cameras().map(Item::States))
                    .chain(cameras().map(Item::Availability))
                    .collect();
            }
            Stage::States => {
                run.stage = Stage::Online;
                run.queue = [Item::Online].into();
            }
            Stage::Online => {
                self.announced += 1;
                step = Step::Announced(now - run.began);
                run.stage = Stage::Show;
                devices.cameras.iter().for_each(|camera| self.departed.forget(&camera.id));
                if std::mem::take(&mut self.born) {
                    run.queue = self.departed.to_be_shown().into_iter().map(Item::Show).collect();
                }
                if !run.queue.is_empty() {
                    tracing::info!(devices = run.queue.len(), "Taking away what Home Assistant may have missed");
                }
            }
            Stage::Show => {
                run.stage = Stage::Hide;
                run.queue = run.shown.drain(..).map(Item::Hide).collect();
                if !run.queue.is_empty() {
                    run.not_before = now + SHOWN + OF_ONE.saturating_mul(amount(run.queue.len()));
                }
            }
            Stage::Hide => {
                let configs: Vec<_> = self.leftovers().into_iter().filter(|topic| Topics::is_config(topic)).collect();
                run.stage = Stage::ClearDevices;
                run.cleared.0 += configs.len();
                run.queue = configs.into_iter().map(Item::Clear).collect();
            }
            // Devices go first: an entity that still listens would complain about the empty message on its topic.
            Stage::ClearDevices => {
                let states = self.leftovers();
                run.stage = Stage::ClearStates;
                run.cleared.1 += states.len();
                if !states.is_empty() {
                    run.not_before = self.removed_until;
                }
                run.queue = states.into_iter().map(Item::Clear).collect();
            }
            Stage::ClearStates => {
                let (devices, states) = std::mem::take(&mut run.cleared);
                if devices + states > 0 {
                    tracing::info!(
                        devices,
                        topics = devices + states,
                        "Took what is no longer wanted out of Home Assistant"
                    );
                }
                if run.looked {
                    tracing::debug!("Looked for leftovers on the broker");
                }
                if self.scanned {
                    return self.end(now);
                }
                run.stage = Stage::Scan;
                step = Step::Scan;
            }
            Stage::Scan => return self.end(now),
        }
        self.run = Some(run);
        step
    }

    fn end(&mut self, now: Instant) -> Step {
        self.run = None;
        self.schedule.end(now);
        Step::Nothing
    }

    /// What the ledger knows and nobody wants: removed and renamed cameras, an earlier base or prefix.
    fn leftovers(&self) -> Vec<String> {
        self.ledger.topics().filter(|topic| !self.wants(topic)).cloned().collect()
    }

    fn item(&mut self, item: Item, now: Instant) -> Step {
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
    fn send(&mut self, message: Message, now: Instant, run: Option<u64>, camera: Option<CameraId>) -> Step {
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

fn amount(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
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
mod tests;
