//! The publisher: the task that sends states when they change and events as they come, once the epoch was announced.
//!
//! In: statuses, histories, the outbox, [`Announced`], the link. Out: messages through the broker's handle. A state is sent only
//! when it differs from what the broker has in this epoch; an event leaves the outbox only on the broker's acknowledgement.

mod changes;
mod delivery;

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use self::changes::Sent;
use self::delivery::Delivery;
use crate::broker::{Handle, LinkState, PublishError, Up};
use crate::camera::{Inventory, Statuses};
use crate::discovery::states::Events;
use crate::discovery::{Announced, Topics};
use crate::outbox::{Histories, Outbox};
use crate::store::StoreError;

/// Wait after the database failed.
const STORE_WAIT: Duration = Duration::from_secs(2);

/// What the publisher listens to. The end of statuses and histories is the publisher's end.
pub struct Sources {
    /// The desired cameras.
    pub inventory: watch::Receiver<Inventory>,
    /// Their statuses.
    pub statuses: watch::Receiver<Statuses>,
    /// Their pasts.
    pub histories: watch::Receiver<Histories>,
    /// What was announced last.
    pub announced: watch::Receiver<Option<Announced>>,
    /// Events that wait.
    pub outbox: Outbox,
}

/// The task.
pub struct Publisher {
    topics: Topics,
    handle: Handle,
    sources: Sources,
    sent: Sent,
    delivery: Delivery,
}

/// Why a round of publishing ended early.
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
        Self { topics, handle, sources, sent: Sent::default(), delivery }
    }

    /// Publishes until neither a status nor a history can change any more. What waits in the outbox then stays on disk.
    pub async fn run(mut self) {
        let (mut statuses_open, mut histories_open) = (true, true);
        let mut waiting = self.sources.outbox.waiting();
        while statuses_open || histories_open {
            let ready = self.up().is_some();
            tokio::select! {
                changed = self.sources.statuses.changed(), if statuses_open => statuses_open = changed.is_ok(),
                changed = self.sources.histories.changed(), if histories_open => histories_open = changed.is_ok(),
                Ok(()) = self.sources.announced.changed() => self.adopt(),
                Ok(_) = waiting.wait_for(|waiting| *waiting > 0), if ready => {}
                () = std::future::ready(()), if ready && self.delivery.has_pictures() => {}
            }
            self.publish(statuses_open || histories_open).await;
        }
    }

    /// An announcement said everything; what it sent is what the broker has, except for the pictures.
    fn adopt(&mut self) {
        if let Some(announced) = &*self.sources.announced.borrow_and_update() {
            self.sent = Sent::announced(announced);
            self.delivery.announced(announced);
        }
    }

    /// The link, if its epoch was announced.
    fn up(&self) -> Option<Up> {
        match &*self.handle.link().borrow() {
            LinkState::Up(up) if self.sent.epoch() == Some(up.epoch) => Some(up.clone()),
            _ => None,
        }
    }

    /// One round: what changed, then some of what waits.
    async fn publish(&mut self, with_events: bool) {
        // Not announced yet: the announcement will say it.
        let Some(up) = self.up() else { return };
        let outcome = async {
            self.publish_changes(&up).await?;
            if with_events {
                let inventory = self.sources.inventory.borrow().clone();
                self.delivery.deliver(&up, &inventory, &mut self.sent).await?;
            }
            Ok(())
        };
        match outcome.await {
            Ok(()) => {}
            Err(Trouble::Link) => self.sent.forget_epoch(),
            Err(Trouble::Store(error)) => {
                tracing::error!(%error, "Events cannot be read from disk; trying again");
                sleep(STORE_WAIT).await;
            }
        }
    }

    async fn publish_changes(&mut self, up: &Up) -> Result<(), Trouble> {
        let events = Events::of(&self.sources.outbox);
        let changed = {
            let inventory = self.sources.inventory.borrow();
            let statuses = self.sources.statuses.borrow_and_update();
            let histories = self.sources.histories.borrow_and_update();
            self.sent.changed(
                &self.topics,
                up,
                &changes::World { inventory: &inventory, statuses: &statuses, histories: &histories, events },
            )
        };
        let mut acks = Vec::with_capacity(changed.len());
        for message in changed {
            let (topic, content) = changes::key(&message);
            match self.handle.send(message).await {
                Ok(ack) => acks.push((topic, content, ack)),
                Err(PublishError::LinkDown) => return Err(Trouble::Link),
                Err(error) => tracing::error!(%error, "A state cannot be sent"),
            }
        }
        for (topic, content, ack) in acks {
            match ack.acknowledged().await {
                Ok(()) => self.sent.acknowledged(topic, content),
                Err(PublishError::LinkDown) => return Err(Trouble::Link),
                Err(error) => tracing::error!(%error, "The broker refused a state"),
            }
        }
        Ok(())
    }
}
