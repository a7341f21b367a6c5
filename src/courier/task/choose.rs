//! What goes next, and what is to be fetched for it.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::Instant;

use super::super::gate::Gate;
use super::super::line::Next;
use super::Courier;
use crate::broker::{LinkLost, Message, Permit};
use crate::events::outbox::Waiting;
use crate::homeassistant::Leaf;

/// How often it is looked whether the table of events was begun anew, when something waits that cannot be found.
const LOST: Duration = Duration::from_millis(500);

impl Courier {
    /// Has everything begun that can be done beside, and tells when something is to be sent.
    pub(super) fn prepare(&mut self, now: Instant) -> Option<Instant> {
        let max_packet = self.lease.as_ref()?.max_packet;
        if self.load.is_going_out() {
            return Some(self.load.due(now));
        }
        let (room, others) = (self.load.has_room(), self.load.has_room_again());
        let shown = (self.shown.has_due() && others).then_some(now);
        let portrait = (self.album.has_due() && others && !self.fetch.paints()).then_some(self.pictures_from);
        if portrait.is_some_and(|at| at <= now) {
            self.begin_portrait(max_packet);
        }
        let look = self.look.filter(|_| room);
        if look.is_some_and(|at| at <= now) {
            self.begin_reading(now, max_packet);
        }
        [shown, portrait.filter(|at| *at > now), look].into_iter().flatten().min()
    }

    fn begin_portrait(&mut self, max_packet: usize) {
        if let Some((camera, shows_event)) = self.album.next() {
            let probed = self
                .sources
                .pictures
                .borrow()
                .get(&camera)
                .filter(|_| !shows_event)
                .map(|picture| picture.jpeg.clone());
            self.fetch.portrait(camera, probed, max_packet);
        }
    }

    fn begin_reading(&mut self, now: Instant, max_packet: usize) {
        if let Some(after) = self.line.wants() {
            self.fetch.read(after);
        }
        let gate = self.gate(now);
        for event in self.line.with_pictures(|event| gate.judge(event)).take(2) {
            self.fetch.picture(event, max_packet);
        }
    }

    fn gate(&mut self, now: Instant) -> Gate {
        let time = Timestamp::now();
        self.age.look(time, now);
        Gate {
            inventory: self.sources.inventory.borrow().clone(),
            announced: self.cameras.clone(),
            presence: *self.sources.presence.borrow(),
            fires_from: self.fires_from,
            stale_after: self.stale_after,
            now,
            time,
            age: self.age,
        }
    }

    /// Sends the next message, decided now that there is a place for it.
    pub(super) fn send(&mut self, permit: Result<Permit<'_>, LinkLost>) {
        let Ok(permit) = permit else { return self.lose_lease() };
        let now = Instant::now();
        if self.load.is_going_out() || self.begin_next(now) {
            self.load.send(permit, now);
        }
    }

    /// Chooses what goes next: last events that the broker lost, then events.
    fn begin_next(&mut self, now: Instant) -> bool {
        if self.load.has_room_again()
            && let Some((camera, body)) = self.shown.next(&self.sources.histories.borrow())
        {
            let payload = Bytes::copy_from_slice(body.as_bytes());
            self.load.put_again(Message::retained(self.topics.camera(&camera, Leaf::Event), payload));
            return true;
        }
        if self.look.is_none_or(|at| at > now) || !self.load.has_room() {
            return false;
        }
        let gate = self.gate(now);
        let (next, again) = self.line.next(|event| gate.judge(event), |event| self.fetch.is_ready(event));
        match next {
            Some(Next::Send { event, fires }) => self.begin_event(&event, fires, now),
            Some(Next::Drop(event)) => {
                let (camera, event_id) = (&event.camera, &event.event_id);
                tracing::warn!(camera.id = %camera, event_id, "An event of a removed camera is dropped");
                self.sources.outbox.give_up();
                self.load.pass_over(event.row);
                return false;
            }
            None => {
                self.look = again;
                if self.line.is_lost() && *self.sources.outbox.waiting().borrow() > 0 {
                    self.line.start_over();
                    self.look = Some(now + LOST);
                }
                return false;
            }
        }
        true
    }

    fn begin_event(&mut self, event: &Waiting, fires: bool, now: Instant) {
        let topic = |leaf| self.topics.camera(&event.camera, leaf);
        let whole = Message::retained(topic(Leaf::Event), Bytes::copy_from_slice(event.body.as_bytes()));
        let detection =
            fires.then(|| Message { topic: topic(Leaf::Detection), payload: event.detection().into(), retain: false });
        let snapshot =
            self.fetch.take(event.row).map(|payload| Message { topic: topic(Leaf::Snapshot), payload, retain: false });
        self.shown.send(&event.camera, event.body.clone());
        if snapshot.is_some() {
            self.album.hold(event.camera.clone(), now < self.pictures_from);
        }
        // The picture before the detection: an automation on that wants to send it.
        self.load.put_event(event.row, [Some(whole), snapshot, detection].into_iter().flatten());
    }
}
