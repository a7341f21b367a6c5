//! One connection, from its CONNACK to its end.
//!
//! Two halves run side by side in the session's task: `feed` hands requests to the client, `drive` polls the event
//! loop. Neither is ever given up while the connection lives, because rumqttc's poll is not cancel safe; when it ends,
//! everything that waits for an acknowledgement is dropped and its owner hears that the link is down.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::error::SessionError;
use super::let_go;
use super::scan::{Scan, Step};
use super::signals::Signal;
use super::traffic::{Traffic, Waiter};
use super::wire::{EventLoop, Gone, Sender};
use crate::broker::inbox::Inbox;
use crate::broker::lease::{Lease, Message, Request, Wanted};
use crate::broker::link::LinkState;
use crate::broker::settings::Timing;

/// Messages on their way at once. More gains nothing on a local broker and costs memory.
const WINDOW: u16 = 200;

/// How a connection ended.
pub(super) enum Ended {
    /// All handles are gone; everything was acknowledged and DISCONNECT sent.
    Stopped,
    /// It broke. `largest` is the size of the largest message that was under way.
    Lost { error: SessionError, largest: usize },
}

/// What a connection needs from its session.
pub(super) struct Context<'a> {
    pub(super) lease: Lease,
    pub(super) in_flight: Option<u16>,
    pub(super) timing: &'a Timing,
    pub(super) inbox: &'a Inbox,
    pub(super) scan_topic: &'a str,
    pub(super) link: &'a watch::Sender<LinkState>,
}

/// One connected link.
pub(super) struct Connection<'a> {
    context: Context<'a>,
    sender: Sender,
    traffic: Mutex<Traffic>,
    slots: Arc<Semaphore>,
    window: u16,
    scan_moved: Notify,
}

impl<'a> Connection<'a> {
    pub(super) fn new(sender: Sender, context: Context<'a>) -> Self {
        let window = context.in_flight.unwrap_or(WINDOW).clamp(1, WINDOW);
        Self {
            context,
            sender,
            traffic: Mutex::new(Traffic::new()),
            slots: Arc::new(Semaphore::new(usize::from(window))),
            window,
            scan_moved: Notify::new(),
        }
    }

    /// Serves requests until the connection ends.
    pub(super) async fn serve(
        self,
        mut event_loop: EventLoop,
        requests: &mut mpsc::Receiver<Request>,
        holds: &mut mpsc::Receiver<Infallible>,
    ) -> Ended {
        let end = tokio::select! {
            end = self.drive(&mut event_loop) => end,
            Err(Gone) = self.feed(requests, holds) => Err(SessionError::HalfOpen),
            Gone = self.lead_scans() => Err(SessionError::HalfOpen),
        };
        match end {
            Ok(()) => Ended::Stopped,
            Err(error) => {
                for signal in event_loop.last_signals() {
                    let _only_acknowledgements_matter = self.take(signal);
                }
                Ended::Lost { error, largest: self.traffic().largest_under_way() }
            }
        }
    }

    async fn feed(
        &self,
        requests: &mut mpsc::Receiver<Request>,
        holds: &mut mpsc::Receiver<Infallible>,
    ) -> Result<Infallible, Gone> {
        for subscription in self.context.inbox.subscriptions() {
            self.sender.subscribe(&subscription.filter, subscription.at_least_once).await?;
        }
        self.sender.subscribe(self.context.scan_topic, false).await?;
        self.context.link.send_replace(LinkState::Up(self.context.lease.clone()));
        loop {
            let slot = self.slots.clone().acquire_owned().await.map_err(|_closed| Gone)?;
            let request = tokio::select! {
                request = requests.recv() => request,
                // The lease lives on in the link's state, so the queue has to be closed; what waits in it still goes out.
                () = let_go(holds), if !requests.is_closed() => {
                    requests.close();
                    requests.recv().await
                }
            };
            match request {
                None => return self.leave(slot).await,
                Some(Request::Publish { message, done }) => self.publish(message, done, slot).await?,
                Some(Request::Scan { filter, wanted, done }) => self.scan(filter, wanted, done).await?,
            }
        }
    }

    async fn publish(
        &self,
        message: Message,
        done: oneshot::Sender<bool>,
        slot: OwnedSemaphorePermit,
    ) -> Result<(), Gone> {
        let waiter = Waiter::new(&message, done, slot);
        self.traffic().window.hand(waiter, Instant::now());
        self.sender.publish(message, true).await
    }

    async fn scan(
        &self,
        filter: String,
        wanted: Wanted,
        done: oneshot::Sender<std::collections::BTreeSet<String>>,
    ) -> Result<(), Gone> {
        let mark = Bytes::from(format!("{:032x}", rand::random::<u128>()));
        self.traffic().scans.push(Scan::new(filter.clone(), wanted, mark.clone(), done, Instant::now()));
        // One of our own filters keeps its QoS.
        let at_least_once =
            self.context.inbox.subscriptions().iter().any(|own| own.filter == filter && own.at_least_once);
        self.sender.subscribe(&filter, at_least_once).await?;
        self.mark(mark).await
    }

    async fn mark(&self, mark: Bytes) -> Result<(), Gone> {
        let topic = self.context.scan_topic.to_owned();
        self.sender.publish(Message { topic, payload: mark.clone(), retain: false }, false).await?;
        let now = Instant::now();
        self.traffic().scans.iter_mut().for_each(|scan| scan.mark_sent(&mark, now));
        self.scan_moved.notify_one();
        Ok(())
    }

    /// Every slot free means that everything was acknowledged.
    async fn leave(&self, slot: OwnedSemaphorePermit) -> Result<Infallible, Gone> {
        drop(slot);
        let _all = self.slots.acquire_many(u32::from(self.window)).await.map_err(|_closed| Gone)?;
        self.sender.disconnect().await?;
        std::future::pending().await
    }

    async fn drive(&self, event_loop: &mut EventLoop) -> Result<(), SessionError> {
        loop {
            let now = Instant::now();
            // rumqttc wakes at least for every ping; a poll that is silent for longer is stuck in a write.
            let silent = now + self.context.timing.keep_alive + self.context.timing.connect + Duration::from_secs(2);
            let overdue = self.traffic().window.oldest().map(|oldest| oldest + self.context.timing.acknowledge);
            if overdue.is_some_and(|overdue| overdue <= now) {
                return Err(SessionError::AckOverdue);
            }
            let deadline = overdue.map_or(silent, |overdue| overdue.min(silent));
            match timeout_at(deadline, event_loop.poll()).await {
                Ok(Ok(Signal::Disconnected)) => return Ok(()),
                Ok(Ok(signal)) => self.take(signal)?,
                Ok(Err(error)) => return Err(error),
                Err(_elapsed) if deadline == silent => return Err(SessionError::HalfOpen),
                Err(_elapsed) => return Err(SessionError::AckOverdue),
            }
        }
    }

    fn take(&self, signal: Signal) -> Result<(), SessionError> {
        match signal {
            Signal::Sent(packet_id) => {
                if !self.traffic().window.sent(packet_id) {
                    return Err(SessionError::AckOverdue);
                }
            }
            Signal::Acknowledged { packet_id, refusal } => {
                let waiter = self.traffic().window.acknowledge(packet_id);
                if let Some(waiter) = waiter {
                    if let Some(reason) = &refusal {
                        self.context.lease.note_untaken(waiter.topic(), reason);
                    }
                    waiter.answer(refusal.is_none());
                }
            }
            Signal::Message { topic, payload, retained } => self.receive(&topic, &payload, retained),
            Signal::SubscriptionRefused => tracing::warn!(
                "The broker's access rules refuse a subscription; Camera Herald's user needs to read its own topics and \
                 Home Assistant's status topic"
            ),
            Signal::Connected(_) | Signal::Disconnected | Signal::Alive => {}
        }
        Ok(())
    }

    fn receive(&self, topic: &str, payload: &Bytes, retained: bool) {
        let now = Instant::now();
        let traffic = &mut *self.traffic();
        if topic == self.context.scan_topic {
            traffic.scans.iter_mut().for_each(|scan| scan.mark_heard(payload, now));
            self.scan_moved.notify_one();
        } else if retained {
            // A replay is no news: only scans look at it.
            traffic.scans.iter_mut().for_each(|scan| scan.heard(topic, payload, now));
            self.scan_moved.notify_one();
        } else {
            self.context.inbox.put(topic, payload, now);
        }
    }

    /// Leads scans to their end. A task of its own would outlive the connection, so it is a third half.
    async fn lead_scans(&self) -> Gone {
        let patience = self.context.timing.acknowledge;
        loop {
            let next = self.traffic().scans.iter().filter_map(|scan| scan.next(patience)).map(|(at, _step)| at).min();
            let Some(at) = next else {
                self.scan_moved.notified().await;
                continue;
            };
            tokio::select! {
                () = sleep_until(at) => if let Err(gone) = self.step_scans(patience).await { return gone },
                () = self.scan_moved.notified() => {}
            }
        }
    }

    async fn step_scans(&self, patience: Duration) -> Result<(), Gone> {
        let now = Instant::now();
        let due = |scan: &Scan| scan.next(patience).filter(|(at, _step)| *at <= now).map(|(_at, step)| step);
        let marks: Vec<Bytes> = {
            let traffic = self.traffic();
            traffic.scans.iter().filter(|scan| due(scan) == Some(Step::Mark)).map(Scan::mark).collect()
        };
        for mark in marks {
            self.mark(mark).await?;
        }
        let ended = |scan: &mut Scan| matches!(due(scan), Some(Step::Finish | Step::GiveUp));
        let finished: Vec<Scan> = self.traffic().scans.extract_if(.., ended).collect();
        for scan in finished {
            if due(&scan) == Some(Step::GiveUp) {
                tracing::warn!(
                    filter = scan.filter,
                    "The broker does not send our own messages back, so a look at what it holds may be incomplete; \
                     Camera Herald's user needs to read and write its own topics"
                );
            }
            if !self.context.inbox.subscriptions().iter().any(|own| own.filter == scan.filter) {
                self.sender.unsubscribe(&scan.filter).await?;
            }
            scan.finish();
        }
        Ok(())
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
