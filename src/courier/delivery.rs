//! Bringing events to the broker: in order, at the pace, and out of the outbox only when acknowledged.

use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use super::Trouble;
use super::album::Album;
use super::changes::{Sent, key};
use super::flight::Flight;
use crate::broker::{Ack, Handle, Message, PublishError, Up};
use crate::camera::{CameraId, Inventory, Pictures};
use crate::events::outbox::{Histories, Outbox, Waiting};
use crate::homeassistant::{Leaf, Presence, Topics};
use crate::mirror::Announced;
use crate::mirror::pace::Pace;
use crate::picture;

/// Events that are under way at once: as many may come twice after a crash.
const UNDER_WAY: usize = 64;
/// Their bytes, pictures included; one more may come on top of it.
const UNDER_WAY_BYTES: usize = 16 * 1_024 * 1_024;
/// What surrounds a picture in its packet, with room to spare.
const PACKET_ROOM: usize = 512;
/// What Home Assistant takes from a device's announcement to listening for its picture, and what each further device adds.
/// The broker keeps no picture, so one that comes sooner is lost.
const LISTENING: Duration = Duration::from_secs(2);
const LISTENING_OF_ONE: Duration = Duration::from_millis(20);

/// Home Assistant tries its broker again every ten seconds, and says that it is there some five seconds later. An event that
/// comes back to the broker before does not fire.
const HOME_ASSISTANT_RETURNS: Duration = Duration::from_secs(17);

/// How far one round of sending came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// Something was sent.
    Sent,
    /// There was nothing to send.
    Nothing,
    /// The next event is of a camera that is about to be announced.
    TooEarly,
    /// The next event is to fire, and Home Assistant is perhaps not back before that moment.
    NobodyListens {
        /// It is not waited for any longer then.
        until: Instant,
    },
}

/// What events are sent into.
pub(super) struct World<'a> {
    pub(super) up: &'a Up,
    pub(super) inventory: &'a Inventory,
    pub(super) presence: Presence,
}

/// What is under way, and what is to be sent again.
pub(super) struct Delivery {
    topics: Topics,
    handle: Handle,
    outbox: Outbox,
    stale_after: SignedDuration,
    pace: Pace,
    album: Album,
    /// Home Assistant listens for pictures from now on.
    pictures_from: Instant,
    /// Home Assistant is waited for until then: the link was lost, and perhaps for it as well.
    fires_from: Instant,
    /// The last row that was sent.
    sent_to: i64,
    /// The last row that the broker has acknowledged.
    landed_to: i64,
}

impl Delivery {
    pub(super) fn new(topics: Topics, handle: Handle, outbox: Outbox, stale_after: Duration) -> Self {
        let stale_after = SignedDuration::try_from(stale_after).unwrap_or(SignedDuration::MAX);
        Self {
            topics,
            handle,
            outbox,
            stale_after,
            pace: Pace::of_events(Instant::now()),
            album: Album::default(),
            pictures_from: Instant::now(),
            fires_from: Instant::now(),
            sent_to: 0,
            landed_to: 0,
        }
    }

    /// After an announcement the pictures are sent again, as soon as somebody listens. The first one after a lost link comes before
    /// Home Assistant is back; a further one answers its birth, or somebody who is there asked for it.
    pub(super) fn announced(&mut self, announced: &Announced, new_epoch: bool) {
        let now = Instant::now();
        self.fires_from = if new_epoch && announced.epoch > 1 { now + HOME_ASSISTANT_RETURNS } else { now };
        let devices = u32::try_from(announced.cameras.len()).unwrap_or(u32::MAX);
        self.pictures_from = now + LISTENING + LISTENING_OF_ONE.saturating_mul(devices);
        self.album.announced(&announced.cameras);
    }

    /// Notes which pictures are new.
    pub(super) fn look(&mut self, pictures: &Pictures, histories: &Histories, sent: &Sent) {
        self.album.look(pictures, histories, |camera| sent.is_announced(camera));
    }

    /// When the next picture is to be sent, if there is one.
    pub(super) fn picture_due(&self) -> Option<Instant> {
        self.album.has_due().then_some(self.pictures_from)
    }

    /// Whether more events may be under way than these.
    pub(super) fn has_room(&self, flight: &Flight) -> bool {
        flight.events() < UNDER_WAY && flight.bytes() < UNDER_WAY_BYTES
    }

    /// The broker has everything up to this row.
    pub(super) fn landed(&mut self, row: i64) {
        self.landed_to = row;
    }

    /// What did not land is sent again.
    pub(super) fn start_after_landed(&mut self) {
        self.sent_to = self.landed_to;
    }

    /// Reads the outbox from its beginning: a table that was begun anew counts from 1 again.
    pub(super) fn start_over(&mut self) {
        (self.sent_to, self.landed_to) = (0, 0);
    }

    /// Sends some of what waits.
    pub(super) async fn deliver(
        &mut self,
        world: &World<'_>,
        sent: &mut Sent,
        flight: &mut Flight,
    ) -> Result<Round, Trouble> {
        let room = UNDER_WAY.saturating_sub(flight.events());
        let batch = self.outbox.next(self.sent_to, room).await.map_err(Trouble::Store)?;
        let mut round = Round::Nothing;
        for event in batch {
            if !self.has_room(flight) {
                break;
            }
            let row = event.row;
            if self.is_fresh(&event)
                && let Some(until) = self.nobody_listens(world.presence)
            {
                return Ok(Round::NobodyListens { until });
            }
            let (acks, bytes) = match fate(&event.camera, world.inventory, sent) {
                Fate::Send => self.send_event(event, world.up, sent).await?,
                Fate::Wait => return Ok(Round::TooEarly),
                Fate::Drop => {
                    let event_id = event.event_id;
                    tracing::warn!(camera.id = %event.camera, event_id, "An event of a removed camera is dropped");
                    (Vec::new(), 0)
                }
            };
            self.sent_to = row;
            flight.event(row, acks, bytes);
            round = Round::Sent;
        }
        Ok(round)
    }

    /// The acknowledgements to wait for, and how many bytes were sent.
    async fn send_event(&mut self, event: Waiting, up: &Up, sent: &mut Sent) -> Result<(Vec<Ack>, usize), Trouble> {
        let topic = |leaf| self.topics.camera(&event.camera, leaf);
        let fresh = self.is_fresh(&event);
        let whole = Message::retained(topic(Leaf::Event), Bytes::copy_from_slice(event.body.as_bytes()));
        let fires = || Message { topic: topic(Leaf::Detection), payload: event.detection().into(), retain: false };
        let detection = fresh.then(fires);
        let picture = match event.picture {
            Some(_bytes) => self.outbox.picture_of(&event.camera, event.row).await.map_err(Trouble::Store)?,
            None => None,
        };
        let snapshot = match picture {
            Some(picture) => self.event_snapshot(&event.camera, picture, up).await,
            None => None,
        };
        // The state that the event makes is the broker's now; it need not be said a second time as a change.
        let (state, content) = key(&whole);
        sent.said(state, content);
        // The picture first: an automation on the detection wants to send it.
        let (mut acks, mut bytes) = (Vec::new(), 0);
        for message in [Some(whole), snapshot, detection].into_iter().flatten() {
            bytes += message.payload.len();
            acks.extend(self.send(message).await?);
        }
        Ok((acks, bytes))
    }

    /// Until when Home Assistant is waited for; `None` when it is taken to listen. One that has gone is not waited for any longer than
    /// an event may set something off: who left for good must not hold up others who read the events.
    fn nobody_listens(&self, presence: Presence) -> Option<Instant> {
        let now = Instant::now();
        let patience = match presence {
            Presence::Gone { since } => self.stale_after.saturating_sub(Timestamp::now().duration_since(since)),
            Presence::Unknown | Presence::Here { .. } => SignedDuration::ZERO,
        };
        let returns = now.checked_add(Duration::try_from(patience).unwrap_or_default()).unwrap_or(now);
        let until = self.fires_from.max(returns);
        (now < until).then_some(until)
    }

    /// Whether it may still set off an automation.
    fn is_fresh(&self, event: &Waiting) -> bool {
        Timestamp::now().duration_since(event.timestamp) <= self.stale_after
    }

    async fn event_snapshot(&mut self, camera: &CameraId, picture: Bytes, up: &Up) -> Option<Message> {
        match self.snapshot(camera, picture, up).await {
            Ok(message) => {
                self.album.hold(camera.clone(), Instant::now() < self.pictures_from);
                Some(message)
            }
            Err(error) => {
                tracing::warn!(camera.id = %camera, error, "An event's picture is not sent");
                None
            }
        }
    }

    /// Sends the next picture that Home Assistant lacks: the camera's newest, else that of its last event.
    pub(super) async fn send_a_picture(
        &mut self,
        up: &Up,
        pictures: &Pictures,
        flight: &mut Flight,
    ) -> Result<(), Trouble> {
        let Some((camera, shows_event)) = self.album.next() else { return Ok(()) };
        let probed = pictures.get(&camera).filter(|_| !shows_event);
        let picture = match probed {
            Some(picture) => Some(picture.jpeg.clone()),
            None => self.outbox.picture(&camera).await.map_err(Trouble::Store)?,
        };
        let Some(picture) = picture else { return Ok(()) };
        let outcome = self.snapshot(&camera, picture.clone(), up).await;
        let trouble_is_news = probed.is_none() || self.album.done(&camera, picture, outcome.is_ok());
        match outcome {
            Ok(message) => {
                if let Some(ack) = self.send(message).await? {
                    flight.state(ack);
                }
            }
            Err(error) if trouble_is_news => tracing::warn!(camera.id = %camera, error, "The picture is not sent"),
            Err(_said) => {}
        }
        Ok(())
    }

    async fn send(&mut self, message: Message) -> Result<Option<Ack>, Trouble> {
        sleep_until(self.pace.next(Instant::now())).await;
        match self.handle.send(message).await {
            Ok(ack) => Ok(Some(ack)),
            Err(PublishError::LinkDown) => Err(Trouble::Link),
            Err(error) => {
                tracing::error!(%error, "A message of an event cannot be sent");
                Ok(None)
            }
        }
    }

    /// The picture as the broker takes it; decoding blocks, so it happens elsewhere.
    async fn snapshot(&self, camera: &CameraId, picture: Bytes, up: &Up) -> Result<Message, String> {
        let topic = self.topics.camera(camera, Leaf::Snapshot);
        let limit = up.max_packet.saturating_sub(PACKET_ROOM);
        match spawn_blocking(move || picture::fit(&picture, limit)).await {
            Ok(Ok(payload)) => Ok(Message { topic, payload, retain: false }),
            Ok(Err(error)) => Err(error.to_string()),
            Err(panicked) => Err(format!("the picture could not be decoded: {panicked}")),
        }
    }
}

/// What is to happen to an event of this camera.
enum Fate {
    Send,
    Wait,
    Drop,
}

/// A camera that was removed, disabled or deleted while its events waited has no topics any more. One that was just added has none
/// yet: doors know it before Home Assistant does.
fn fate(camera: &CameraId, inventory: &Inventory, sent: &Sent) -> Fate {
    if inventory.get(camera).is_none() || sent.is_dismissed(camera) {
        Fate::Drop
    } else if sent.is_announced(camera) {
        Fate::Send
    } else {
        Fate::Wait
    }
}
