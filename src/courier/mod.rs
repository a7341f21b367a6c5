//! The publisher: the task that sends states when they change and events as they come, once the epoch was announced.
//!
//! In: statuses, histories, the outbox, [`Announced`], the link. Out: messages through the broker's handle. A state is sent only
//! when it differs from what the broker was sent in this epoch; an event leaves the outbox only on the broker's
//! acknowledgement. Acknowledgements are waited for beside the sending, never between two messages.

mod album;
mod changes;
mod delivery;
mod flight;
mod marks;

use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use self::changes::Sent;
use self::delivery::{Delivery, Round};
use self::flight::{Flight, Landed, LinkLost};
use self::marks::Marks;
use crate::broker::{Handle, LinkState, PublishError, Up};
use crate::camera::{Hearings, Inventory, Pictures, Statuses};
use crate::events::outbox::{Histories, Outbox};
use crate::homeassistant::states::Events;
use crate::homeassistant::{Presence, Topics};
use crate::mirror::Announced;
use crate::store::StoreError;

/// Wait after the database failed.
const STORE_WAIT: Duration = Duration::from_secs(2);
/// Wait when an event cannot be sent yet.
const SOON: Duration = Duration::from_millis(100);

/// Pictures and states that may be under way while a further picture is sent.
const PICTURES: usize = 8;

/// What the publisher listens to. The end of statuses and histories is the publisher's end.
pub struct Sources {
    /// The desired cameras.
    pub inventory: watch::Receiver<Inventory>,
    /// Their statuses.
    pub statuses: watch::Receiver<Statuses>,
    /// Their pasts.
    pub histories: watch::Receiver<Histories>,
    /// Whether their own events are heard.
    pub hearings: watch::Receiver<Hearings>,
    /// Their newest pictures.
    pub pictures: watch::Receiver<Pictures>,
    /// What was announced last.
    pub announced: watch::Receiver<Option<Announced>>,
    /// Whether Home Assistant listens.
    pub presence: watch::Receiver<Presence>,
    /// Events that wait.
    pub outbox: Outbox,
}

/// The task.
pub struct Publisher {
    topics: Topics,
    broker: Handle,
    sources: Sources,
    sent: Sent,
    delivery: Delivery,
    flight: Flight,
    marks: Marks,
    /// States may differ from what the broker has.
    states_changed: bool,
    /// When the outbox is looked at again.
    retry_at: Option<Instant>,
}

/// What there is to do.
enum Wake {
    States,
    Announced,
    HomeAssistant,
    Landed(Result<Landed, LinkLost>),
    Marked(Result<(), StoreError>),
    Events,
    NewPictures,
    Pictures,
    Retry,
}

/// Why sending ended early.
#[derive(Debug)]
enum Trouble {
    Link,
    Store(StoreError),
}

impl Publisher {
    /// A publisher that has sent nothing. An event older than `stale_after` does not fire.
    #[must_use]
    pub fn new(topics: Topics, handle: Handle, sources: Sources, stale_after: Duration) -> Self {
        let delivery = Delivery::new(topics.clone(), handle.clone(), sources.outbox.clone(), stale_after);
        let marks = Marks::new(sources.outbox.clone());
        Self {
            topics,
            broker: handle,
            sources,
            sent: Sent::default(),
            delivery,
            flight: Flight::default(),
            marks,
            states_changed: false,
            retry_at: None,
        }
    }

    /// Publishes until neither a status nor a history can change any more. What waits in the outbox then stays on disk.
    pub async fn run(mut self) {
        let (mut statuses_open, mut histories_open) = (true, true);
        let mut waiting = self.sources.outbox.waiting();
        while statuses_open || histories_open {
            let up = self.up();
            let outstanding = (self.flight.events() + self.marks.len()) as u64;
            let picture_due = self.delivery.picture_due().filter(|_| up.is_some() && self.flight.states() < PICTURES);
            let has_events = self.retry_at.is_none() && self.delivery.has_room(&self.flight);
            let wake = tokio::select! {
                changed = self.sources.statuses.changed(), if statuses_open => {
                    statuses_open = changed.is_ok();
                    Wake::States
                }
                changed = self.sources.histories.changed(), if histories_open => {
                    histories_open = changed.is_ok();
                    Wake::States
                }
                Ok(()) = self.sources.hearings.changed() => Wake::States,
                Ok(()) = self.sources.pictures.changed() => Wake::NewPictures,
                Ok(()) = self.sources.announced.changed() => Wake::Announced,
                Ok(()) = self.sources.presence.changed() => Wake::HomeAssistant,
                landed = self.flight.landed() => Wake::Landed(landed),
                marked = self.marks.marked() => Wake::Marked(marked),
                Ok(_) = waiting.wait_for(|waiting| *waiting > outstanding), if up.is_some() && has_events => Wake::Events,
                () = sleep_until(picture_due.unwrap_or_else(Instant::now)), if picture_due.is_some() => Wake::Pictures,
                () = sleep_until(self.retry_at.unwrap_or_else(Instant::now)), if self.retry_at.is_some() => Wake::Retry,
            };
            let outcome = self.handle(wake, up).await;
            self.note(outcome);
            self.publish_changes().await;
        }
        self.settle().await;
    }

    async fn handle(&mut self, wake: Wake, up: Option<Up>) -> Result<(), Trouble> {
        match (wake, up) {
            (Wake::States, _) => {
                self.states_changed = true;
                // A camera that is no longer active shows its own picture again.
                self.look_at_pictures();
            }
            (Wake::Announced, _) => self.adopt(),
            // What waited for it may go now.
            (Wake::HomeAssistant, _) => self.retry_at = None,
            (Wake::Landed(landed), _) => self.land(landed)?,
            (Wake::Marked(marked), _) => {
                marked.map_err(Trouble::Store)?;
                // The bridge's state says how many wait.
                self.states_changed = true;
            }
            (Wake::Events, Some(up)) => self.deliver(&up).await?,
            (Wake::NewPictures, _) => self.look_at_pictures(),
            (Wake::Pictures, Some(up)) => {
                let pictures = self.sources.pictures.borrow().clone();
                self.delivery.send_a_picture(&up, &pictures, &mut self.flight).await?;
            }
            (Wake::Events | Wake::Pictures, None) => {}
            (Wake::Retry, _) => {
                self.retry_at = None;
                self.marks.start();
            }
        }
        Ok(())
    }

    /// An announcement said everything; what it sent is what the broker has, except for the pictures.
    fn adopt(&mut self) {
        // What landed before the link was lost has landed.
        while let Some(landed) = self.flight.landed().now_or_never() {
            if self.land(landed).is_err() {
                break;
            }
        }
        let Some(announced) = self.sources.announced.borrow_and_update().clone() else { return };
        let new_epoch = self.sent.epoch() != Some(announced.epoch);
        if new_epoch {
            self.forget_flight();
        }
        self.sent = Sent::announced(&announced);
        self.delivery.announced(&announced, new_epoch);
        // What waited for Home Assistant may have waited long enough.
        self.retry_at = None;
        self.states_changed = true;
    }

    fn look_at_pictures(&mut self) {
        let pictures = self.sources.pictures.borrow_and_update();
        self.delivery.look(&pictures, &self.sources.histories.borrow(), &self.sent);
    }

    /// The link, if its epoch was announced.
    fn up(&self) -> Option<Up> {
        match &*self.broker.link().borrow() {
            LinkState::Up(up) if self.sent.epoch() == Some(up.epoch) => Some(up.clone()),
            _ => None,
        }
    }

    fn land(&mut self, landed: Result<Landed, LinkLost>) -> Result<(), Trouble> {
        match landed {
            Ok(Landed::State) => {}
            Ok(Landed::Event(row)) => {
                self.delivery.landed(row);
                self.marks.add(row);
            }
            Err(LinkLost) => return Err(Trouble::Link),
        }
        Ok(())
    }

    fn note(&mut self, outcome: Result<(), Trouble>) {
        match outcome {
            Ok(()) => {}
            Err(Trouble::Link) => {
                self.forget_flight();
                self.sent.forget_epoch();
            }
            Err(Trouble::Store(error)) => {
                tracing::error!(%error, "The outbox cannot be read or marked on disk; trying again");
                self.retry_at = Some(Instant::now() + STORE_WAIT);
            }
        }
    }

    /// Nothing that is under way will be acknowledged; its events are sent again after the next announcement.
    fn forget_flight(&mut self) {
        self.flight = Flight::default();
        self.delivery.start_after_landed();
    }

    async fn deliver(&mut self, up: &Up) -> Result<(), Trouble> {
        let inventory = self.sources.inventory.borrow().clone();
        let presence = *self.sources.presence.borrow();
        let world = delivery::World { up, inventory: &inventory, presence };
        let round = self.delivery.deliver(&world, &mut self.sent, &mut self.flight).await?;
        let idle = self.flight.is_empty() && self.marks.len() == 0;
        if round == Round::Nothing && idle {
            // The outbox counts something that it does not hand out: it was begun anew, or the count is about to change.
            self.delivery.start_over();
        }
        match round {
            Round::NobodyListens { until } => self.retry_at = Some(until),
            Round::TooEarly => self.retry_at = Some(Instant::now() + SOON),
            Round::Nothing if idle => self.retry_at = Some(Instant::now() + SOON),
            Round::Nothing | Round::Sent => {}
        }
        Ok(())
    }

    /// Sends the states that changed. While some are under way, further changes gather: a state that is already old is not sent.
    async fn publish_changes(&mut self) {
        // Not announced yet: the announcement will say it.
        let Some(up) = self.up().filter(|_| self.states_changed && self.flight.states() == 0) else { return };
        self.states_changed = false;
        let outcome = self.send_changes(&up).await;
        self.note(outcome);
    }

    async fn send_changes(&mut self, up: &Up) -> Result<(), Trouble> {
        let events = Events::of(&self.sources.outbox);
        let settled = self.flight.events() + self.marks.len() == 0;
        let changed = {
            let inventory = self.sources.inventory.borrow();
            let statuses = self.sources.statuses.borrow_and_update();
            let histories = self.sources.histories.borrow_and_update();
            let hearings = self.sources.hearings.borrow_and_update();
            let world = changes::World {
                inventory: &inventory,
                statuses: &statuses,
                histories: &histories,
                hearings: &hearings,
                events,
                settled,
            };
            self.sent.changed(&self.topics, up, &world)
        };
        for message in changed {
            let (topic, content) = changes::key(&message);
            match self.broker.send(message).await {
                Ok(ack) => {
                    self.sent.said(topic, content);
                    self.flight.state(ack);
                }
                Err(PublishError::LinkDown) => return Err(Trouble::Link),
                Err(error) => tracing::error!(%error, "A state cannot be sent"),
            }
        }
        Ok(())
    }

    /// The end: the last states go out, and what the broker acknowledges is marked.
    async fn settle(&mut self) {
        loop {
            self.publish_changes().await;
            if self.flight.is_empty() {
                break;
            }
            let landed = self.flight.landed().await;
            let outcome = self.land(landed);
            self.note(outcome);
        }
        while self.marks.len() > 0 {
            self.marks.start();
            if let Err(error) = self.marks.marked().await {
                tracing::error!(%error, "Delivered events cannot be marked on disk; they will be sent again");
                break;
            }
        }
    }
}
