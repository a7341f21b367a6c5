//! One run: the stages from the first config to the last clearing.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::items::Item;
use super::{Goal, Plan, Step};
use crate::camera::CameraId;
use crate::homeassistant::topics::{Owner, Topics};

/// What it takes to set up a device that is shown once more.
const SHOWN: Duration = Duration::from_secs(1);
pub(super) const OF_ONE: Duration = Duration::from_millis(20);

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
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

pub(super) struct Run {
    pub(super) number: u64,
    pub(super) stage: Stage,
    pub(super) queue: VecDeque<Item>,
    pub(super) under_way: usize,
    pub(super) not_before: Instant,
    pub(super) began: Instant,
    /// Devices that get a second payload, and when the first was sent.
    pub(super) again: Vec<Owner>,
    pub(super) again_from: Instant,
    /// Payloads of this run, for the ledger.
    pub(super) payloads: Vec<(String, Value)>,
    /// Departed devices that Home Assistant was shown once more.
    pub(super) shown: Vec<CameraId>,
    pub(super) cleared: (usize, usize),
    pub(super) looked: bool,
}

impl Plan {
    /// What others have to do before the run goes on.
    pub(super) fn is_held_up(&self, run: &Run) -> bool {
        match run.stage {
            Stage::Remember => !self.ledger.is_written(),
            // From here on nothing is written to the topics of a camera that has gone.
            Stage::ClearDevices => self.adopted < self.announced,
            Stage::Scan => !self.scanned,
            _ => false,
        }
    }

    pub(super) fn begin(&mut self, now: Instant) {
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

    pub(super) fn go_on(&mut self, now: Instant) -> Step {
        let Some(run) = &mut self.run else { return Step::Nothing };
        // What is asked for meanwhile waits only for the part that makes everything available.
        if run.stage > Stage::Online && self.schedule.due().is_some_and(|due| due <= now) {
            // Departed devices that were not shown and taken away yet are so by the next run.
            let seen_off = run.queue.is_empty() && run.shown.is_empty() && run.under_way == 0;
            self.born |= run.stage <= Stage::Hide && !seen_off;
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
}

fn amount(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
