//! The discovery task: it listens to the link's watch channel and takes the plan's next step in each turn of its loop.
//!
//! In: link states, the inventory, statuses, histories, what is heard, requests. Out: messages under a lease, [`Announced`],
//! presence, requests for probes. It decides nothing about what is sent: that is the plan's.

mod hear;
mod talk;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::talk::Talk;
use super::ledger::Ledger;
use super::plan::{Goal, Plan};
use super::requests::{Asked, Requested};
use super::work::{Progress, Work};
use super::{Announced, RequestError};
use crate::broker::{Handle, Inbox, Lease, LinkLost, LinkState, Message};
use crate::camera::prober::ProbeRequest;
use crate::camera::{CameraId, Hearings, Inventory, Statuses};
use crate::events::outbox::{Histories, Outbox};
use crate::homeassistant::states::{self, Events};
use crate::homeassistant::{Owner, Presence, Sign, Topics};

/// What the task listens to.
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
    pub inbox: Inbox,
    /// Who is asked for probes.
    pub probes: mpsc::Sender<ProbeRequest>,
    /// What others ask.
    pub requests: Asked,
    /// Somebody looked at the page through Home Assistant.
    pub page_seen: Arc<Notify>,
    /// Told what is heard of Home Assistant.
    pub presence: watch::Sender<Presence>,
    /// Told which cameras' devices the user deleted: their events are not taken in.
    pub deleted: watch::Sender<BTreeSet<CameraId>>,
    /// The announcement that the courier has taken over: it sends nothing more to cameras that are not part of it.
    pub adopted: watch::Receiver<u64>,
}

/// The task.
pub struct Mirror {
    handle: Handle,
    lease: Option<Lease>,
    sources: Sources,
    work: Work,
    announced: watch::Sender<Option<Announced>>,
    dismissed: watch::Sender<BTreeSet<Owner>>,
    courier_gone: CancellationToken,
    talk: Talk,
    runs: u64,
}

/// Does what the goal asks for under this lease, and no more.
///
/// # Errors
/// [`LinkLost`] when the epoch was over before everything was acknowledged.
pub(crate) async fn once(
    goal: Goal,
    topics: Topics,
    inventory: Inventory,
    ledger: Ledger,
    lease: &Lease,
) -> Result<(), LinkLost> {
    let now = Instant::now();
    let mut plan = Plan::new(goal, topics, ledger, now);
    plan.set_inventory(inventory, now);
    plan.link_is_up((**lease).clone(), now);
    let mut work = Work::new(plan);
    while !work.is_done() {
        if work.progress(Some(lease)).await == Progress::Lost {
            return Err(LinkLost);
        }
    }
    Ok(())
}

impl Mirror {
    /// The task, what it will have announced, and the devices that the user deleted. It stops when `courier_gone` is cancelled and
    /// neither a status nor a history can change any more.
    #[must_use]
    pub fn new(
        topics: Topics,
        handle: Handle,
        sources: Sources,
        ledger: Ledger,
        courier_gone: CancellationToken,
    ) -> (Self, watch::Receiver<Option<Announced>>, watch::Receiver<BTreeSet<Owner>>) {
        let (announced, announced_seen) = watch::channel(None);
        let (dismissed, dismissed_seen) = watch::channel(BTreeSet::new());
        let work = Work::new(Plan::new(Goal::Service, topics, ledger, Instant::now()));
        let mirror = Self {
            handle,
            lease: None,
            sources,
            work,
            announced,
            dismissed,
            courier_gone,
            talk: Talk::default(),
            runs: 0,
        };
        (mirror, announced_seen, dismissed_seen)
    }

    /// Mirrors until there is nothing more to come, and then says `offline`.
    pub async fn run(mut self) {
        let mut link = self.handle.link();
        let mut waiting = self.sources.outbox.waiting();
        let page_seen = self.sources.page_seen.clone();
        let (mut statuses_open, mut histories_open, mut page_open, mut courier_open) = (true, true, true, true);
        link.mark_changed();
        self.sources.inventory.mark_changed();
        self.see_statuses();
        self.see_histories();
        self.see_hearings();
        while statuses_open || histories_open || courier_open || !self.work.plan.is_settled() {
            let lease = self.lease.clone();
            tokio::select! {
                // A new epoch is seen before anything is decided under the old one.
                biased;
                Ok(()) = link.changed() => self.see_link(&link.borrow_and_update().clone()),
                // Nothing below is lost when another arm is taken: watches keep the latest, the inbox and the queue of requests
                // keep what waits, and the work goes on where it was.
                incoming = self.sources.inbox.next() => incoming.iter().for_each(|incoming| self.hear(incoming)),
                Ok(()) = self.sources.inventory.changed() => self.see_inventory(),
                changed = self.sources.statuses.changed(), if statuses_open => {
                    statuses_open = changed.is_ok();
                    self.see_statuses();
                }
                changed = self.sources.histories.changed(), if histories_open => {
                    histories_open = changed.is_ok();
                    self.see_histories();
                }
                Ok(()) = self.sources.hearings.changed() => self.see_hearings(),
                () = page_seen.notified() => self.see(Some(Sign::Page)),
                Ok(()) = waiting.changed() => self.work.plan.see_events(Events::of(&self.sources.outbox)),
                Ok(()) = self.sources.adopted.changed() => self.work.plan.adopted(*self.sources.adopted.borrow_and_update()),
                request = self.sources.requests.next(), if page_open => match request {
                    Some(request) => self.do_as_asked(request),
                    None => page_open = false,
                },
                // Also when everything else has closed before: it is the last that the loop waits for.
                () = self.courier_gone.cancelled(), if courier_open => {
                    courier_open = false;
                    (statuses_open, histories_open) = self.see_the_last();
                }
                progress = self.work.progress(lease.as_ref()) => self.note(progress),
            }
        }
        say_offline(self.handle, self.work.plan.desired.topics.status()).await;
    }

    fn see_link(&mut self, state: &LinkState) {
        match state {
            LinkState::Up(lease) if self.lease.as_ref().map(|lease| lease.epoch) == Some(lease.epoch) => {}
            LinkState::Up(lease) => {
                self.lease = Some(lease.clone());
                self.sources.presence.send_if_modified(Presence::forget);
                self.work.forget_landings();
                self.work.plan.link_is_up((**lease).clone(), Instant::now());
            }
            LinkState::Down { .. } => self.lose_link(),
        }
    }

    fn lose_link(&mut self) {
        self.lease = None;
        self.work.forget_landings();
        self.work.plan.link_is_down();
    }

    fn see_inventory(&mut self) {
        let inventory = self.sources.inventory.borrow_and_update().clone();
        self.work.plan.set_inventory(inventory, Instant::now());
        self.tell_dismissed();
        self.see_statuses();
        self.see_histories();
        self.see_hearings();
    }

    fn see_hearings(&mut self) {
        self.work.plan.see_hearings(&self.sources.hearings.borrow_and_update());
    }

    fn see_statuses(&mut self) {
        self.work.plan.see_statuses(&self.sources.statuses.borrow_and_update());
    }

    fn see_histories(&mut self) {
        self.work.plan.see_histories(&self.sources.histories.borrow_and_update());
    }

    /// The courier has ended because no history can change any more; the tracker ends on its own.
    fn see_the_last(&mut self) -> (bool, bool) {
        self.see_statuses();
        self.see_histories();
        (false, false)
    }

    fn note(&mut self, progress: Progress) {
        match progress {
            Progress::Moved => {}
            Progress::Announced(took) => self.tell_announced(took),
            // The session tells soon what became of the link; until then nothing can be sent.
            Progress::Lost => self.lose_link(),
        }
    }

    fn tell_announced(&mut self, took: Duration) {
        let Some(lease) = &self.lease else { return };
        let devices = self.work.plan.desired.devices().clone();
        tracing::info!(
            cameras = devices.cameras.len(),
            epoch = lease.epoch,
            took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "Announced to Home Assistant"
        );
        self.runs += 1;
        self.announced.send_replace(Some(Announced {
            epoch: lease.epoch,
            cameras: Arc::new(devices.cameras.iter().map(|camera| camera.id.clone()).collect()),
            devices,
            at: Timestamp::now(),
            took,
            runs: self.runs,
        }));
    }

    fn tell_dismissed(&mut self) {
        let now = self.work.plan.desired.dismissed();
        let cameras = &self.work.plan.desired.devices().dismissed;
        self.sources.deleted.send_if_modified(|told| {
            let news = told != cameras;
            if news {
                told.clone_from(cameras);
            }
            news
        });
        self.dismissed.send_if_modified(|told| {
            let news = told != now;
            if news {
                told.clone_from(now);
            }
            news
        });
    }

    /// Does what was asked. Who asked may be gone by then.
    fn do_as_asked(&mut self, request: Requested) {
        match request {
            Requested::Announce => self.announce_again(),
            Requested::Known { done } => {
                let _asker_gone = done.send(self.work.plan.ledger.topics().cloned().collect());
            }
            Requested::Look { done } => match &self.lease {
                Some(lease) => self.work.look(lease.clone(), done),
                None => drop(done.send(Err(RequestError::Broker(LinkLost)))),
            },
            Requested::Clear { done, .. } if self.lease.is_none() => {
                drop(done.send(Err(RequestError::Broker(LinkLost))))
            }
            Requested::Clear { topics, done } => self.work.clear(topics, done),
        }
    }
}

async fn say_offline(handle: Handle, topic: String) {
    let offline = Message::retained(topic, states::OFFLINE);
    let said = match handle.lease() {
        Some(lease) => lease.publish(offline).await,
        None => Err(LinkLost),
    };
    match said {
        Ok(_) => tracing::info!("Said offline to Home Assistant"),
        Err(error) => tracing::info!(%error, "Could not say offline; the broker says it for us"),
    }
}
