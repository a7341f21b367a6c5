//! The courier's task. It moves what [`super::gate`] and [`super::line`] let through; it never waits for the disk or a decoder.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::age::Age;
use super::album::Album;
use super::fetch::{BATCH, Fetch, Fetched};
use super::flight::{Flight, Landed};
use super::gate::{Gate, fires_from};
use super::line::{Line, Next};
use super::marks::Marks;
use super::shown::Shown;
use crate::broker::{Ack, Handle, Lease, LinkLost, LinkState, Message, Permit};
use crate::camera::{CameraId, Inventory, Pictures};
use crate::events::outbox::{Histories, Outbox, Waiting};
use crate::homeassistant::{Leaf, Presence, Topics};
use crate::mirror::Announced;
use crate::mirror::pace::Pace;

/// Events that are under way at once: as many may come twice after a crash.
const UNDER_WAY: usize = 64;
/// Their bytes, pictures included; one more may come on top of it.
const UNDER_WAY_BYTES: usize = 16 * 1_024 * 1_024;
/// Pictures and last events that may be under way while a further one is sent again.
const AGAIN: usize = 8;
/// Wait after the database failed.
const STORE_WAIT: Duration = Duration::from_secs(2);
/// How often it is looked whether the table of events was begun anew, when something waits that cannot be found.
const LOST: Duration = Duration::from_millis(500);
/// What Home Assistant takes from a device's announcement to listening for its picture, and what each further device adds.
/// The broker keeps no picture, so one that comes sooner is lost.
const LISTENING: Duration = Duration::from_secs(2);
const LISTENING_OF_ONE: Duration = Duration::from_millis(20);

/// What the courier listens to. The end of the histories is the courier's end.
pub struct Sources {
    /// The desired cameras.
    pub inventory: watch::Receiver<Inventory>,
    /// Their pasts.
    pub histories: watch::Receiver<Histories>,
    /// Their newest pictures.
    pub pictures: watch::Receiver<Pictures>,
    /// What was announced last.
    pub announced: watch::Receiver<Option<Announced>>,
    /// Whether Home Assistant listens.
    pub presence: watch::Receiver<Presence>,
    /// Events that wait.
    pub outbox: Outbox,
    /// Told which announcement was taken over: nothing is sent any more to cameras that are not part of it.
    pub adopted: watch::Sender<u64>,
}

/// The task.
pub struct Courier {
    topics: Topics,
    handle: Handle,
    sources: Sources,
    stale_after: SignedDuration,
    /// The right to send, once the epoch was announced.
    lease: Option<Lease>,
    cameras: Arc<BTreeSet<CameraId>>,
    line: Line,
    shown: Shown,
    album: Album,
    fetch: Fetch,
    flight: Flight,
    marks: Marks,
    pace: Pace,
    /// The event whose messages are going out.
    sending: Option<Sending>,
    portrait: Option<Message>,
    /// The announcement that is taken over when so many have landed.
    adopting: Option<(u64, u64)>,
    pictures_from: Instant,
    fires_from: Instant,
    age: Age,
    /// The line is looked at: not before, and then only when something changed.
    look: Option<Instant>,
}

struct Sending {
    row: i64,
    messages: VecDeque<Message>,
    acks: Vec<Ack>,
    bytes: usize,
}

impl Courier {
    /// A courier that has sent nothing. An event older than `stale_after` does not fire.
    #[must_use]
    pub fn new(topics: Topics, handle: Handle, sources: Sources, stale_after: Duration) -> Self {
        let now = Instant::now();
        Self {
            topics,
            handle,
            stale_after: SignedDuration::try_from(stale_after).unwrap_or(SignedDuration::MAX),
            lease: None,
            cameras: Arc::default(),
            line: Line::default(),
            shown: Shown::default(),
            album: Album::default(),
            fetch: Fetch::new(sources.outbox.clone()),
            flight: Flight::default(),
            marks: Marks::new(sources.outbox.clone()),
            pace: Pace::of_events(now),
            sending: None,
            portrait: None,
            adopting: None,
            pictures_from: now,
            fires_from: now,
            age: Age::new(Timestamp::now(), now),
            look: None,
            sources,
        }
    }

    /// Brings events until no history can change any more. What waits in the outbox then stays on disk.
    pub async fn run(mut self) {
        let mut waiting = self.sources.outbox.waiting();
        let mut link = self.handle.link();
        waiting.mark_changed();
        loop {
            let lease = self.lease.clone();
            let due = self.prepare(Instant::now());
            let outcome = tokio::select! {
                // The end of an epoch is seen before anything is sent into it; a lease that is over would refuse it anyway.
                biased;
                Ok(()) = link.changed() => { self.see_link(&link.borrow_and_update()); Ok(()) }
                changed = self.sources.histories.changed() => match changed {
                    Ok(()) => { self.see_histories(); Ok(()) }
                    Err(_closed) => break,
                },
                Ok(()) = self.sources.announced.changed() => { self.adopt(); Ok(()) }
                Ok(()) = self.sources.presence.changed() => { self.look_now(); Ok(()) }
                Ok(()) = self.sources.inventory.changed() => { self.look_now(); Ok(()) }
                Ok(()) = self.sources.pictures.changed() => { self.see_pictures(); Ok(()) }
                Ok(()) = waiting.changed() => { self.line.hear(*waiting.borrow_and_update()); self.look_now(); Ok(()) }
                landed = self.flight.landed() => { self.land(landed); Ok(()) }
                marked = self.marks.marked() => marked.map(|rows| self.line.marked(&rows)),
                fetched = self.fetch.next() => fetched.map(|fetched| self.take(fetched)),
                permit = place(lease.as_ref(), due), if due.is_some() => { self.send(permit); Ok(()) }
            };
            if let Err(error) = outcome {
                tracing::error!(%error, "The outbox cannot be read or marked on disk; trying again");
                self.look = Some(Instant::now() + STORE_WAIT);
            }
        }
        self.settle().await;
    }

    fn see_link(&mut self, state: &LinkState) {
        if state.epoch() != self.lease.as_ref().map(|lease| lease.epoch) {
            self.lose_lease();
        }
        // The announcement of this epoch may have been faster than its news.
        self.adopt();
    }

    /// Nothing that is under way will be acknowledged; its events are sent again after the next announcement.
    fn lose_lease(&mut self) {
        self.lease = None;
        (self.sending, self.portrait) = (None, None);
        self.flight.lose();
        self.line.lose_flight();
        self.fetch.new_epoch();
        self.adopt_if_landed();
    }

    /// An announcement said everything of an epoch but what is ours.
    fn adopt(&mut self) {
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
        self.fires_from = fires_from(announced.epoch, is_new, now);
        let devices = u32::try_from(self.cameras.len()).unwrap_or(u32::MAX);
        self.pictures_from = now + LISTENING + LISTENING_OF_ONE.saturating_mul(devices);
        self.line.announced(&self.cameras);
        self.shown.announced(self.cameras.difference(&before).cloned(), &self.cameras);
        self.album.announced(&self.cameras);
        let under_way = self.flight.sent() + u64::from(self.sending.is_some()) + u64::from(self.portrait.is_some());
        self.adopting = Some((under_way, announced.runs));
        self.adopt_if_landed();
        self.look_now();
    }

    /// The topics of a camera that has gone are the mirror's to clear once nothing of ours is on its way to them.
    fn adopt_if_landed(&mut self) {
        if let Some((_, runs)) = self.adopting.take_if(|(sent, _)| *sent <= self.flight.arrived()) {
            self.sources.adopted.send_replace(runs);
        }
    }

    fn look_now(&mut self) {
        self.look = Some(Instant::now());
    }

    fn see_histories(&mut self) {
        self.shown.look_again();
        // A camera that is no longer active shows its own picture again.
        self.see_pictures();
    }

    fn see_pictures(&mut self) {
        let (pictures, histories) =
            (self.sources.pictures.borrow_and_update(), self.sources.histories.borrow_and_update());
        self.album.look(&pictures, &histories, |camera| self.cameras.contains(camera));
    }

    fn land(&mut self, landed: Result<Landed, LinkLost>) {
        match landed {
            Ok(Landed::Again) => {}
            Ok(Landed::Event(row)) => {
                self.line.landed(row);
                self.marks.add(row);
            }
            Err(LinkLost) => return self.lose_lease(),
        }
        self.adopt_if_landed();
        self.look_now();
    }

    fn take(&mut self, fetched: Fetched) {
        match fetched {
            Fetched::Events(events) => self.line.read(events, BATCH),
            Fetched::Portrait { camera, made_from, fitted } => {
                let is_news = self.album.done(&camera, made_from, fitted.is_ok());
                match fitted {
                    Ok(payload) => {
                        let topic = self.topics.camera(&camera, Leaf::Snapshot);
                        self.portrait =
                            Some(Message { topic, payload, retain: false }).filter(|_| self.cameras.contains(&camera));
                    }
                    Err(error) if is_news => tracing::warn!(camera.id = %camera, error, "The picture is not sent"),
                    Err(_said) => {}
                }
            }
            Fetched::Nothing => {}
        }
        self.look_now();
    }

    /// Has everything begun that can be done beside, and tells when something is to be sent.
    fn prepare(&mut self, now: Instant) -> Option<Instant> {
        let max_packet = self.lease.as_ref()?.max_packet;
        if self.sending.is_some() || self.portrait.is_some() {
            return Some(self.pace.due(now));
        }
        let (room, others) = (self.has_room(), self.flight.others() < AGAIN);
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

    fn has_room(&self) -> bool {
        self.flight.events() < UNDER_WAY && self.flight.bytes() < UNDER_WAY_BYTES
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
    fn send(&mut self, permit: Result<Permit<'_>, LinkLost>) {
        let Ok(permit) = permit else { return self.lose_lease() };
        let now = Instant::now();
        if self.sending.is_none() && self.portrait.is_none() && !self.begin_next(now) {
            return;
        }
        self.pace.next(now);
        if let Some(mut sending) = self.sending.take() {
            if let Some(message) = sending.messages.pop_front() {
                sending.bytes += message.payload.len();
                sending.acks.extend(permit.send(message));
            }
            if sending.messages.is_empty() {
                self.flight.event(sending.row, sending.acks, sending.bytes);
            } else {
                self.sending = Some(sending);
            }
        } else if let Some(ack) = self.portrait.take().and_then(|message| permit.send(message)) {
            self.flight.again(ack);
        }
    }

    /// Chooses what goes next: last events that the broker lost, then events.
    fn begin_next(&mut self, now: Instant) -> bool {
        if self.flight.others() < AGAIN
            && let Some((camera, body)) = self.shown.next(&self.sources.histories.borrow())
        {
            let payload = Bytes::copy_from_slice(body.as_bytes());
            self.portrait = Some(Message::retained(self.topics.camera(&camera, Leaf::Event), payload));
            return true;
        }
        if self.look.is_none_or(|at| at > now) || !self.has_room() {
            return false;
        }
        let gate = self.gate(now);
        let (next, again) = self.line.next(|event| gate.judge(event), |event| self.fetch.is_ready(event));
        match next {
            Some(Next::Send { event, fires }) => self.begin_event(&event, fires, now),
            Some(Next::Drop(event)) => {
                let (camera, event_id) = (&event.camera, &event.event_id);
                self.sources.outbox.give_up();
                tracing::warn!(camera.id = %camera, event_id, "An event of a removed camera is dropped");
                self.flight.event(event.row, Vec::new(), 0);
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
        let messages = [Some(whole), snapshot, detection].into_iter().flatten().collect();
        self.sending = Some(Sending { row: event.row, messages, acks: Vec::new(), bytes: 0 });
    }

    /// The end: what the broker acknowledges is marked.
    async fn settle(&mut self) {
        while !self.flight.is_empty() {
            let landed = self.flight.landed().await;
            self.land(landed);
        }
        while !self.line.is_settled() {
            self.marks.start();
            match self.marks.marked().await {
                Ok(rows) => self.line.marked(&rows),
                Err(error) => {
                    tracing::error!(%error, "Delivered events cannot be marked on disk; they will be sent again");
                    break;
                }
            }
        }
    }
}

async fn place(lease: Option<&Lease>, due: Option<Instant>) -> Result<Permit<'_>, LinkLost> {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
    lease.ok_or(LinkLost)?.permit().await
}
