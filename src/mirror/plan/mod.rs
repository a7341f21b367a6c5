//! From what is on the broker to what should be there: the next step. Pure, time is an argument.
//!
//! Changes of states go first and at once. A *run* ([`run`]) says everything that the broker lacks, in this order: configs, states,
//! availabilities, `online`; then it takes away what is no longer wanted. Each kind begins when the one before was acknowledged. In
//! a new *round* everything counts as lacking: the broker may have lost it, or Home Assistant was away. Payloads are made when they
//! are sent ([`items`]), so no step writes an older value over a newer one. What may happen meanwhile comes in by [`inputs`].

mod inputs;
mod items;
mod run;

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use self::run::{Run, Stage};
use super::departed::Departed;
use super::desired::Desired;
use super::held::Held;
use super::ledger::Ledger;
use super::pace::Pace;
use super::schedule::Schedule;
use crate::broker::Message;
use crate::camera::CameraId;
use crate::homeassistant::topics::Topics;

/// Each change of the bridge's state is a row in Home Assistant's database; the number of waiting events changes with every event.
const BRIDGE_EVERY: Duration = Duration::from_secs(1);

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
}

#[cfg(test)]
mod tests;
