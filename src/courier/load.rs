//! What is going out: the messages of one event or one that is said again, and all that has not landed.
//!
//! An event's messages go out one after the other under one lease, and count as landed together.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::flight::{Flight, Landed};
use crate::broker::{Ack, LinkLost, Message, Permit};
use crate::mirror::pace::Pace;

/// Events that are under way at once: as many may come twice after a crash.
const UNDER_WAY: usize = 64;
/// Their bytes, pictures included; one more may come on top of it.
const UNDER_WAY_BYTES: usize = 16 * 1_024 * 1_024;
/// Pictures and last events that may be under way while a further one is sent again.
const AGAIN: usize = 8;

/// What is going out, and what is under way.
pub(super) struct Load {
    flight: Flight,
    pace: Pace,
    event: Option<Event>,
    again: Option<Message>,
}

struct Event {
    row: i64,
    messages: VecDeque<Message>,
    acks: Vec<Ack>,
    bytes: usize,
}

impl Load {
    pub(super) fn new(now: Instant) -> Self {
        Self { flight: Flight::default(), pace: Pace::of_events(now), event: None, again: None }
    }

    /// Something has begun to go out: it goes on before anything else.
    pub(super) fn is_going_out(&self) -> bool {
        self.event.is_some() || self.again.is_some()
    }

    /// When the next message may go out.
    pub(super) fn due(&self, now: Instant) -> Instant {
        self.pace.due(now)
    }

    /// Whether more events may be under way.
    pub(super) fn has_room(&self) -> bool {
        self.flight.events() < UNDER_WAY && self.flight.bytes() < UNDER_WAY_BYTES
    }

    /// Whether more may be under way of what is said again.
    pub(super) fn has_room_again(&self) -> bool {
        self.flight.others() < AGAIN
    }

    pub(super) fn put_event(&mut self, row: i64, messages: impl Iterator<Item = Message>) {
        self.event = Some(Event { row, messages: messages.collect(), acks: Vec::new(), bytes: 0 });
    }

    pub(super) fn put_again(&mut self, message: Message) {
        self.again = Some(message);
    }

    /// An event lands without being sent.
    pub(super) fn pass_over(&mut self, row: i64) {
        self.flight.event(row, Vec::new(), 0);
    }

    /// Sends the next message.
    pub(super) fn send(&mut self, permit: Permit<'_>, now: Instant) {
        self.pace.next(now);
        let Some(mut event) = self.event.take() else {
            if let Some(ack) = self.again.take().and_then(|message| permit.send(message)) {
                self.flight.again(ack);
            }
            return;
        };
        if let Some(message) = event.messages.pop_front() {
            event.bytes += message.payload.len();
            event.acks.extend(permit.send(message));
        }
        if event.messages.is_empty() {
            self.flight.event(event.row, event.acks, event.bytes);
        } else {
            self.event = Some(event);
        }
    }

    /// How many were ever sent, with those that are going out.
    pub(super) fn sent(&self) -> u64 {
        self.flight.sent() + u64::from(self.event.is_some()) + u64::from(self.again.is_some())
    }

    /// How many of them have landed, or are given up.
    pub(super) fn landed(&self) -> u64 {
        self.flight.arrived()
    }

    /// The next landing; never comes while nothing is under way.
    pub(super) async fn next_landing(&mut self) -> Result<Landed, LinkLost> {
        self.flight.landed().await
    }

    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.flight.is_empty()
    }

    /// Nothing of it lands any more.
    pub(super) fn lose(&mut self) {
        (self.event, self.again) = (None, None);
        self.flight.lose();
    }
}
