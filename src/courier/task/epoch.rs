//! Taking an epoch over, and losing it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::gate::fires_from;
use super::Courier;
use crate::broker::LinkState;
use crate::homeassistant::Presence;

/// What Home Assistant takes from a device's announcement to listening for its picture, and what each further device adds.
/// The broker keeps no picture, so one that comes sooner is lost.
const LISTENING: Duration = Duration::from_secs(2);
const LISTENING_OF_ONE: Duration = Duration::from_millis(20);

impl Courier {
    pub(super) fn see_link(&mut self, state: &LinkState) {
        if state.epoch() != self.lease.as_ref().map(|lease| lease.epoch) {
            self.lose_lease();
        }
        // The announcement of this epoch may have been faster than its news.
        self.adopt();
    }

    /// Nothing that is under way will be acknowledged; its events are sent again after the next announcement.
    pub(super) fn lose_lease(&mut self) {
        self.lease = None;
        self.load.lose();
        self.line.lose_flight();
        self.fetch.new_epoch();
        self.adopt_if_landed();
    }

    /// An announcement said everything of an epoch but what is ours.
    pub(super) fn adopt(&mut self) {
        let Some(announced) = self.sources.announced.borrow_and_update().clone() else { return };
        let Some(lease) = self.handle.lease().filter(|lease| lease.epoch == announced.epoch) else { return };
        if self.adopting.is_some_and(|(_, runs)| runs == announced.runs)
            || *self.sources.adopted.borrow() >= announced.runs
        {
            self.lease.get_or_insert(lease);
            return;
        }
        let now = Instant::now();
        let is_new = self.lease.is_none();
        let before = if is_new { Arc::default() } else { self.cameras.clone() };
        self.cameras = announced.cameras.clone();
        self.lease = Some(lease);
        // A further announcement of the epoch may answer Home Assistant's birth, or only somebody who changed the options.
        if is_new {
            self.fires_from = fires_from(announced.epoch, now);
        } else if matches!(*self.sources.presence.borrow(), Presence::Here { .. }) {
            self.fires_from = now;
        }
        let devices = u32::try_from(self.cameras.len()).unwrap_or(u32::MAX);
        self.pictures_from = now + LISTENING + LISTENING_OF_ONE.saturating_mul(devices);
        self.line.announced(&self.cameras);
        self.shown.announced(self.cameras.difference(&before).cloned(), &self.cameras);
        self.album.announced(&self.cameras);
        self.adopting = Some((self.load.sent(), announced.runs));
        self.adopt_if_landed();
        self.look_now();
    }

    /// The topics of a camera that has gone are the mirror's to clear once nothing of ours is on its way to them.
    pub(super) fn adopt_if_landed(&mut self) {
        if let Some((_, runs)) = self.adopting.take_if(|(sent, _)| *sent <= self.load.landed() || self.load.is_empty())
        {
            self.sources.adopted.send_replace(runs);
        }
    }
}
