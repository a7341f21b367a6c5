//! The announcer: the task that listens to the link's watch channel and tells Home Assistant everything again.
//!
//! In: link states, the inventory, statuses, messages from Home Assistant. Out: messages through the broker's handle, and
//! [`Announced`]. What is published last in a run is `online`, so nothing stale is ever shown as available.

mod departed;
mod run;
mod sweep;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

pub use run::{Delivery, config_messages};
pub use sweep::clear_leftovers;

use super::ledger::Ledger;
use super::pace::Pace;
use super::plan::Plan;
use super::schedule::Schedule;
use super::states;
use super::topics::{Owner, Topics};
use crate::broker::{Handle, Inbound, Interest, LinkState, Message, PublishError, Subscription};
use crate::camera::prober::ProbeRequest;
use crate::camera::{CameraId, Inventory, Statuses};
use crate::outbox::{Histories, Outbox};

/// Everything of an epoch was said and acknowledged.
#[derive(Debug, Clone)]
pub struct Announced {
    /// The link's epoch.
    pub epoch: u64,
    /// Cameras that Home Assistant knows now.
    pub cameras: Arc<BTreeSet<CameraId>>,
    /// Content hash by state topic, as the run sent them.
    pub sent: Arc<HashMap<String, i64>>,
}

/// What the announcer listens to.
pub struct Sources {
    /// The desired cameras.
    pub inventory: watch::Receiver<Inventory>,
    /// Their statuses.
    pub statuses: watch::Receiver<Statuses>,
    /// Their pasts.
    pub histories: watch::Receiver<Histories>,
    /// Events that wait for the broker.
    pub outbox: Outbox,
    /// What comes from the broker.
    pub inbound: mpsc::Receiver<Inbound>,
    /// Who is asked for probes.
    pub probes: mpsc::Sender<ProbeRequest>,
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
    dismissed: BTreeSet<Owner>,
    /// The epoch that was seen last, and the one whose retained topics were looked through.
    epoch: Option<u64>,
    swept: Option<u64>,
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
    /// An announcer and what it will have announced. It stops when `publisher_gone` is cancelled.
    #[must_use]
    pub fn new(
        topics: Topics,
        handle: Handle,
        sources: Sources,
        ledger: Ledger,
        publisher_gone: CancellationToken,
    ) -> (Self, watch::Receiver<Option<Announced>>) {
        let (announced, receiver) = watch::channel(None);
        let announcer = Self {
            delivery: Delivery::new(topics.clone(), handle.clone(), ledger, Pace::new(Instant::now())),
            topics,
            handle,
            sources,
            announced,
            publisher_gone,
            schedule: Schedule::default(),
            dismissed: BTreeSet::new(),
            epoch: None,
            swept: None,
        };
        (announcer, receiver)
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
                Ok(()) = self.sources.inventory.changed() => self.schedule.soon(Instant::now()),
                Some(message) = self.sources.inbound.recv() => self.hear(&message),
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
                self.schedule.now(Instant::now());
            }
        }
    }

    fn hear(&mut self, message: &Inbound) {
        let now = Instant::now();
        if message.topic == self.topics.birth() {
            if message.payload == states::ONLINE && !message.retained {
                tracing::info!("Home Assistant has started: announcing everything again");
                self.delivery.departed.arrived();
                self.delivery.born = true;
                self.schedule.birth(now, &mut rand::rng());
            } else if message.payload == states::OFFLINE {
                self.delivery.departed.left(now);
            }
        } else if message.topic == self.topics.status() {
            self.hear_status(message);
        } else if message.topic == self.topics.bridge_command() {
            if message.payload == "announce" && !message.retained {
                tracing::info!("Asked to announce again");
                self.dismissed.clear();
                self.schedule.soon(now);
            } else if message.payload == "probe_all" && !message.retained {
                self.ask_for_probe(ProbeRequest::All);
            }
        } else if let Some(camera) = self.topics.commanded_camera(&message.topic) {
            // Both bring a new picture, and whatever else there is to see.
            if (message.payload == "probe" || message.payload == "snapshot") && !message.retained {
                self.ask_for_probe(ProbeRequest::One(camera));
            }
        } else if let Some(owner) = self.topics.config_owner(&message.topic) {
            self.hear_clearing(owner, &message.topic);
        }
    }

    /// Somebody else spoke for us: the will of an old connection that the broker saw end late, or a second copy that
    /// stopped. Home Assistant would show everything as unavailable for as long as nobody contradicts.
    fn hear_status(&mut self, message: &Inbound) {
        let announced = self.announced.borrow().as_ref().map(|announced| announced.epoch);
        let ours = message.payload == states::ONLINE || message.retained;
        if ours || self.epoch.is_none() || announced != self.epoch {
            return;
        }
        tracing::warn!(
            topic = message.topic,
            "Somebody else said that Camera Herald is offline; saying that it is not. If this comes again and again, a \
             second copy runs with the same topics.base"
        );
        self.schedule.soon(Instant::now());
    }

    /// Requests that the prober has not taken yet will be answered by the same probes.
    fn ask_for_probe(&self, request: ProbeRequest) {
        tracing::debug!(?request, "Asked for a probe");
        let _as_many_wait_already = self.sources.probes.try_send(request);
    }

    /// Home Assistant clears a config topic when its user deletes the device; so does another copy of `retract`.
    fn hear_clearing(&mut self, owner: Owner, topic: &str) {
        let wanted = match &owner {
            Owner::Bridge => true,
            Owner::Camera(camera) => self.sources.inventory.borrow().get(camera).is_some(),
        };
        if self.delivery.cleared_by_us(topic) || !wanted || self.dismissed.contains(&owner) {
            return;
        }
        tracing::warn!(
            topic,
            "The device was deleted in Home Assistant. It comes back at the next start of Camera Herald, or with \
             \"Announce again\"; set enabled: false to keep it away"
        );
        self.dismissed.insert(owner);
        self.schedule.soon(Instant::now());
    }

    /// One run. A link that goes down ends it; the next epoch begins another.
    async fn announce(&mut self) {
        self.schedule.begin();
        let Some(epoch) = self.epoch else { return };
        let plan = Plan::new(&self.sources.inventory.borrow_and_update(), &self.dismissed);
        let outcome = self.announce_plan(epoch, &plan).await;
        self.schedule.end(Instant::now());
        match outcome {
            Ok(()) => {}
            Err(PublishError::LinkDown) => tracing::debug!(epoch, "The link went down during an announcement"),
            Err(error) => tracing::error!(%error, epoch, "The announcement failed; the next reconnect tries again"),
        }
    }

    async fn announce_plan(&mut self, epoch: u64, plan: &Plan) -> Result<(), PublishError> {
        let began = Instant::now();
        let sent = self.delivery.announce(plan, &self.sources).await?;
        let cameras: BTreeSet<_> = plan.cameras.iter().map(|camera| camera.id.clone()).collect();
        tracing::info!(
            cameras = cameras.len(),
            epoch,
            took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "Announced to Home Assistant"
        );
        self.announced.send_replace(Some(Announced { epoch, cameras: Arc::new(cameras), sent: Arc::new(sent) }));
        self.delivery.see_off_the_departed(plan).await?;
        let desired = plan.topics(&self.topics);
        self.delivery.clear_known_leftovers(&desired).await?;
        for owner in &self.dismissed {
            if let Owner::Camera(camera) = owner {
                self.delivery.departed.forget(camera);
            }
        }
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
