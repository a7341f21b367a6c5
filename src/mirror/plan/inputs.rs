//! What happens outside, as the plan takes it in. Each changes what is to be done and does nothing by itself.

use std::collections::BTreeSet;

use rand::Rng;
use tokio::time::Instant;

use super::run::Stage;
use super::{Goal, Plan};
use crate::broker::Up;
use crate::camera::{Hearings, Inventory, Statuses};
use crate::events::outbox::Histories;
use crate::homeassistant::states::Events;
use crate::homeassistant::topics::Owner;

/// Leftovers that nobody remembers are taken away so many in an epoch: whoever fills our topics with junk is not followed for ever.
pub(super) const FOUND: usize = 2_000;

impl Plan {
    /// The link is up in a new epoch: everything once more, for the broker may have forgotten it.
    pub(in crate::mirror) fn link_is_up(&mut self, up: Up, now: Instant) {
        self.link_is_down();
        self.desired.up = Some(up);
        self.held.new_epoch();
        self.departed.left(now);
        self.scanned = false;
        self.round += 1;
        self.schedule.now(now);
    }

    pub(in crate::mirror) fn link_is_down(&mut self) {
        self.desired.up = None;
        self.run = None;
        self.blocked.clear();
    }

    pub(in crate::mirror) fn set_inventory(&mut self, inventory: Inventory, now: Instant) {
        self.desired.set_inventory(inventory);
        self.schedule.soon(now);
    }

    pub(in crate::mirror) fn see_statuses(&mut self, statuses: &Statuses) {
        let news = self.desired.see_statuses(statuses);
        self.bridge_changed |= !news.is_empty();
        self.changed.extend(news);
    }

    pub(in crate::mirror) fn see_histories(&mut self, histories: &Histories) {
        self.changed.extend(self.desired.see_histories(histories));
    }

    pub(in crate::mirror) fn see_hearings(&mut self, hearings: &Hearings) {
        self.changed.extend(self.desired.see_hearings(hearings));
    }

    pub(in crate::mirror) fn see_events(&mut self, events: Events) {
        self.bridge_changed |= self.desired.events != events;
        self.desired.events = events;
    }

    /// Home Assistant has started.
    pub(in crate::mirror) fn birth(&mut self, now: Instant, rng: &mut impl Rng) {
        self.departed.arrived();
        self.born = true;
        self.round += 1;
        self.schedule.birth(now, rng);
    }

    /// Home Assistant has gone.
    pub(in crate::mirror) fn will(&mut self, now: Instant) {
        self.departed.left(now);
    }

    /// Everything once more, also the devices that the user deleted.
    pub(in crate::mirror) fn announce_again(&mut self, now: Instant) {
        self.desired.want_all();
        self.round += 1;
        self.schedule.soon(now);
    }

    /// Somebody else spoke for us. Returns whether that is to be contradicted.
    pub(in crate::mirror) fn said_offline(&mut self, now: Instant) -> bool {
        let status = self.desired.topics.status();
        let ours = self.desired.up.is_some() && self.held.knows(&status);
        if ours {
            self.held.forget(&status);
            self.schedule.soon(now);
        }
        ours
    }

    /// Configs of this owner were cleared so many times. Returns whether the user has just deleted the device.
    pub(in crate::mirror) fn hear_clearing(&mut self, owner: Owner, times: u32, now: Instant) -> bool {
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
    pub(in crate::mirror) fn clear(&mut self, mut topics: Vec<String>, now: Instant) -> Vec<String> {
        topics.retain(|topic| self.desired.topics.is_own(topic) && !self.wants(topic));
        topics.sort_unstable();
        topics.dedup();
        self.ledger.expect(topics.clone());
        self.schedule.soon(now);
        topics
    }

    /// What the scan found to be ours.
    pub(in crate::mirror) fn found(&mut self, found: BTreeSet<String>, now: Instant) {
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

    pub(in crate::mirror) fn wants(&self, topic: &str) -> bool {
        self.goal != Goal::Nothing && self.desired.wants(topic)
    }

    /// The courier has taken over the announcement with this number.
    pub(in crate::mirror) fn adopted(&mut self, runs: u64) {
        self.adopted = runs;
    }
}
