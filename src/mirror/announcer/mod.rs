//! The announcer: the task that listens to the link's watch channel and tells Home Assistant everything again.
//!
//! In: link states, the inventory, statuses, messages from Home Assistant. Out: messages through the broker's handle, and
//! [`Announced`]. What is published last in a run is `online`, so nothing stale is ever shown as available.

mod departed;
mod hear;
mod requests;
mod run;
mod sweep;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

pub use requests::{Asked, RequestError, Requests, Retained, requests};
pub use run::{Delivery, config_message, config_messages};
pub use sweep::clear_leftovers;

use super::ledger::Ledger;
use super::pace::Pace;
use super::plan::Plan;
use super::schedule::Schedule;
use crate::broker::{Handle, Inbound, Interest, LinkState, Message, PublishError, Subscription};
use crate::camera::prober::ProbeRequest;
use crate::camera::{CameraId, Hearings, Inventory, Statuses};
use crate::events::outbox::{Histories, Outbox};
use crate::homeassistant::presence::Presence;
use crate::homeassistant::states;
use crate::homeassistant::topics::{Owner, Topics};

/// Everything of an epoch was said and acknowledged.
#[derive(Debug, Clone)]
pub struct Announced {
    /// The link's epoch.
    pub epoch: u64,
    /// Cameras that Home Assistant knows now.
    pub cameras: Arc<BTreeSet<CameraId>>,
    /// Content hash by state topic, as the run sent them.
    pub sent: Arc<HashMap<String, i64>>,
    /// What was announced.
    pub plan: Arc<Plan>,
    /// When the run ended.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How many runs went through since the start.
    pub runs: u64,
}

impl Announced {
    /// The discovery message of one device, topic and payload, byte for byte as Home Assistant was sent it.
    ///
    /// It is made again from the plan that was announced: kept, those of 1,000 cameras would take 5 MB.
    #[must_use]
    pub fn config(&self, topics: &Topics, owner: &Owner) -> Option<(String, String)> {
        config_message(topics, &self.plan, owner).map(|(topic, payload)| (topic, payload.to_string()))
    }
}

/// What the announcer listens to.
pub struct Sources {
    /// The desired cameras.
    pub inventory: watch::Receiver<Inventory>,
    /// Their statuses.
    pub statuses: watch::Receiver<Statuses>,
    /// Their pasts.
    pub histories: watch::Receiver<Histories>,
    /// Whether their own events are heard.
    pub hearings: watch::Receiver<Hearings>,
    /// Events that wait for the broker.
    pub outbox: Outbox,
    /// What comes from the broker.
    pub inbound: mpsc::Receiver<Inbound>,
    /// Who is asked for probes.
    pub probes: mpsc::Sender<ProbeRequest>,
    /// What others ask.
    pub requests: Asked,
    /// Told what is heard of Home Assistant.
    pub presence: watch::Sender<Presence>,
}

/// The task.
pub struct Announcer {
    topics: Topics,
    handle: Handle,
    sources: Sources,
    announced: watch::Sender<Option<Announced>>,
    publisher_gone: CancellationToken,
    delivery: Delivery,
    schedule: Schedule,
    /// Devices that the user deleted in Home Assistant. They come back at the next start, or when asked for.
    dismissed: watch::Sender<BTreeSet<Owner>>,
    /// The epoch that was seen last, and the one whose retained topics were looked through.
    epoch: Option<u64>,
    swept: Option<u64>,
    /// Runs that went through.
    runs: u64,
}

/// What the announcer needs to receive from the broker.
#[must_use]
pub fn subscriptions(topics: &Topics) -> Vec<Subscription> {
    let all = |filter: String| Subscription { filter, at_least_once: true, interest: Interest::All };
    vec![
        all(topics.birth().to_owned()),
        all(topics.status()),
        all(topics.bridge_command()),
        all(topics.camera_commands()),
        // Our own configs come back here; only their clearing by somebody else is news.
        Subscription { filter: topics.config_filter(), at_least_once: false, interest: Interest::Clearing },
    ]
}

impl Announcer {
    /// An announcer, what it will have announced, and the devices that the user deleted in Home Assistant. It stops when `publisher_gone` is cancelled.
    #[must_use]
    pub fn new(
        topics: Topics,
        handle: Handle,
        sources: Sources,
        ledger: Ledger,
        publisher_gone: CancellationToken,
    ) -> (Self, watch::Receiver<Option<Announced>>, watch::Receiver<BTreeSet<Owner>>) {
        let (announced, announced_seen) = watch::channel(None);
        let (dismissed, dismissed_seen) = watch::channel(BTreeSet::new());
        let announcer = Self {
            delivery: Delivery::new(topics.clone(), handle.clone(), ledger, Pace::new(Instant::now())),
            topics,
            handle,
            sources,
            announced,
            publisher_gone,
            schedule: Schedule::default(),
            dismissed,
            epoch: None,
            swept: None,
            runs: 0,
        };
        (announcer, announced_seen, dismissed_seen)
    }

    /// Announces until the publisher is gone, whose last states go out before our `offline`.
    pub async fn run(mut self) {
        let mut link = self.handle.link();
        link.mark_changed();
        let publisher_gone = self.publisher_gone.clone();
        loop {
            let due = self.schedule.due().filter(|_| self.epoch.is_some());
            tokio::select! {
                biased;
                () = publisher_gone.cancelled() => break,
                Ok(()) = link.changed() => self.see_link(&link.borrow_and_update().clone()),
                Ok(()) = self.sources.inventory.changed() => self.see_inventory(),
                Some(message) = self.sources.inbound.recv() => self.hear(&message),
                Some(request) = self.sources.requests.next() => {
                    tokio::select! {
                        biased;
                        () = publisher_gone.cancelled() => break,
                        () = self.do_as_asked(request) => {}
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    tokio::select! {
                        biased;
                        () = publisher_gone.cancelled() => break,
                        () = self.announce() => {}
                    }
                }
            }
        }
        self.say_offline().await;
    }

    fn see_link(&mut self, state: &LinkState) {
        if state.epoch() != self.epoch {
            self.epoch = state.epoch();
            if self.epoch.is_some() {
                self.delivery.new_epoch();
                self.sources.presence.send_if_modified(Presence::forget);
                self.schedule.now(Instant::now());
            }
        }
    }

    /// A device that the user deleted is forgotten with its camera: should that come back, so does the device.
    fn see_inventory(&mut self) {
        let inventory = self.sources.inventory.borrow_and_update();
        self.dismissed.send_if_modified(|dismissed| {
            let before = dismissed.len();
            dismissed.retain(|owner| !matches!(owner, Owner::Camera(id) if inventory.get(id).is_none()));
            dismissed.len() != before
        });
        drop(inventory);
        self.schedule.soon(Instant::now());
    }

    /// One run. A link that goes down ends it; the next epoch begins another.
    async fn announce(&mut self) {
        self.schedule.begin();
        let Some(epoch) = self.epoch else { return };
        let plan = Plan::new(&self.sources.inventory.borrow_and_update(), &self.dismissed.borrow());
        let outcome = self.announce_plan(epoch, Arc::new(plan)).await;
        self.schedule.end(Instant::now());
        match outcome {
            Ok(()) => {}
            Err(PublishError::LinkDown) => tracing::debug!(epoch, "The link went down during an announcement"),
            Err(error) => tracing::error!(%error, epoch, "The announcement failed; the next reconnect tries again"),
        }
    }

    async fn announce_plan(&mut self, epoch: u64, plan: Arc<Plan>) -> Result<(), PublishError> {
        let began = Instant::now();
        let sent = self.delivery.announce(&plan, &self.sources).await?;
        let cameras: BTreeSet<_> = plan.cameras.iter().map(|camera| camera.id.clone()).collect();
        tracing::info!(
            cameras = cameras.len(),
            epoch,
            took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "Announced to Home Assistant"
        );
        let desired = plan.topics(&self.topics);
        let there: Vec<_> = plan.cameras.iter().map(|camera| camera.id.clone()).collect();
        self.runs += 1;
        self.announced.send_replace(Some(Announced {
            epoch,
            cameras: Arc::new(cameras),
            sent: Arc::new(sent),
            plan: plan.clone(),
            at: Timestamp::now(),
            took: began.elapsed(),
            runs: self.runs,
        }));
        self.delivery.see_off_the_departed(&there).await?;
        self.delivery.clear_known_leftovers(&desired).await?;
        self.delivery.forget_the_dismissed(&self.dismissed.borrow());
        if self.swept != Some(epoch) {
            clear_leftovers(&mut self.delivery, &desired).await?;
            self.swept = Some(epoch);
            tracing::debug!(epoch, "Looked for leftovers on the broker");
        }
        Ok(())
    }

    async fn say_offline(&self) {
        let offline = Message::retained(self.topics.status(), states::OFFLINE);
        match self.handle.publish(offline).await {
            Ok(()) => tracing::info!("Said offline to Home Assistant"),
            Err(error) => tracing::info!(%error, "Could not say offline; the broker says it for us"),
        }
    }
}
