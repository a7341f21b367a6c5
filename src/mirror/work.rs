//! What is under way for the plan: messages that have not landed, the ledger's way to the disk, looks at what the broker holds.
//!
//! Everything here may be dropped in the middle of waiting and taken up again: nothing is begun before an await that is not kept.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::RequestError;
use super::plan::{Parcel, Plan, Step, Ticket};
use super::requests::Retained;
use crate::broker::{Lease, LinkLost};
use crate::homeassistant::payload;
use crate::homeassistant::topics::{Owner, Topics};

type Landing = Pin<Box<dyn Future<Output = Result<Ticket, LinkLost>> + Send>>;
type Look = Pin<Box<dyn Future<Output = (Result<BTreeSet<String>, LinkLost>, Asker)> + Send>>;

/// What a look at the broker is for.
enum Asker {
    Plan,
    Page(oneshot::Sender<Result<Retained, RequestError>>),
}

/// What one turn brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The plan knows.
    Moved,
    /// Everything was said, in this time.
    Announced(Duration),
    /// The epoch is over.
    Lost,
}

/// Somebody who waits until topics are cleared.
struct Clearing {
    topics: Vec<String>,
    done: oneshot::Sender<Result<Vec<String>, RequestError>>,
}

/// The plan, and what is under way for it.
pub(super) struct Work {
    pub(super) plan: Plan,
    landings: FuturesUnordered<Landing>,
    looks: FuturesUnordered<Look>,
    clearings: Vec<Clearing>,
}

impl Work {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, landings: FuturesUnordered::new(), looks: FuturesUnordered::new(), clearings: Vec::new() }
    }

    /// Whether a single goal is reached.
    pub(super) fn is_done(&self) -> bool {
        self.plan.is_done() && self.landings.is_empty()
    }

    /// Nothing that is under way lands any more.
    pub(super) fn forget_landings(&mut self) {
        self.landings.clear();
        self.looks.clear();
        for clearing in self.clearings.drain(..) {
            let _asker_gone = clearing.done.send(Err(RequestError::Broker(LinkLost)));
        }
    }

    /// Waits for whatever comes next, and does it.
    pub(super) async fn progress(&mut self, lease: Option<&Lease>) -> Progress {
        let due = self.plan.due(Instant::now());
        tokio::select! {
            Some(landed) = self.landings.next(), if !self.landings.is_empty() => match landed {
                Ok(ticket) => self.land(ticket),
                Err(LinkLost) => return Progress::Lost,
            },
            Some((found, asker)) = self.looks.next(), if !self.looks.is_empty() => self.found(found, asker),
            () = self.plan.ledger.write() => {}
            // The place in the queue comes first: what is said is decided when it can be sent, and so is never old.
            permit = place(lease, due), if due.is_some() => match (permit, lease) {
                (Ok(permit), Some(lease)) => match self.plan.next(Instant::now()) {
                    Step::Send(Parcel { message, ticket }) => match permit.send(message) {
                        Some(ack) => self.landings.push(Box::pin(async move { ack.acknowledged().await.map(|_| ticket) })),
                        None => self.land(ticket),
                    },
                    Step::Scan => self.begin_look(lease.clone(), Asker::Plan),
                    Step::Announced(took) => return Progress::Announced(took),
                    Step::Nothing => {}
                },
                _ => return Progress::Lost,
            },
        }
        Progress::Moved
    }

    fn land(&mut self, ticket: Ticket) {
        self.plan.landed(ticket);
        let (plan, waiting) = (&self.plan, std::mem::take(&mut self.clearings));
        let (left, done): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|clearing| clearing.topics.iter().any(|topic| plan.ledger.knows(topic)));
        self.clearings = left;
        for Clearing { topics, done } in done {
            let _asker_gone = done.send(Ok(topics));
        }
    }

    /// Looks for everything of ours that the broker holds, for the page.
    pub(super) fn look(&mut self, lease: Lease, done: oneshot::Sender<Result<Retained, RequestError>>) {
        self.begin_look(lease, Asker::Page(done));
    }

    /// Takes topics away with the next run.
    pub(super) fn clear(&mut self, topics: Vec<String>, done: oneshot::Sender<Result<Vec<String>, RequestError>>) {
        let topics = self.plan.clear(topics, Instant::now());
        if topics.is_empty() {
            let _asker_gone = done.send(Ok(topics));
        } else {
            self.clearings.push(Clearing { topics, done });
        }
    }

    fn begin_look(&mut self, lease: Lease, asker: Asker) {
        let topics = self.plan.desired.topics.clone();
        self.looks.push(Box::pin(async move {
            let found = match asker {
                Asker::Plan => surely_ours(&lease, &topics).await,
                Asker::Page(_) => perhaps_ours(&lease, &topics).await,
            };
            (found, asker)
        }));
    }

    fn found(&mut self, found: Result<BTreeSet<String>, LinkLost>, asker: Asker) {
        match (asker, found) {
            (Asker::Plan, Ok(found)) => self.plan.found(found, Instant::now()),
            // The next epoch looks again.
            (Asker::Plan, Err(LinkLost)) => {}
            (Asker::Page(done), found) => {
                let plan = &self.plan;
                let sorted = found.map(|found| {
                    let (wanted, ghosts) = found.into_iter().partition(|topic| plan.wants(topic));
                    Retained { wanted, ghosts: BTreeSet::into_iter(ghosts).collect() }
                });
                let _asker_gone = done.send(sorted.map_err(RequestError::Broker));
            }
        }
    }
}

async fn place(lease: Option<&Lease>, due: Option<Instant>) -> Result<crate::broker::Permit<'_>, LinkLost> {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
    lease.ok_or(LinkLost)?.permit().await
}

/// The retained topics that can be told to be ours: configs that name us as their origin, and the states of their cameras.
async fn surely_ours(lease: &Lease, topics: &Topics) -> Result<BTreeSet<String>, LinkLost> {
    let mut ours = lease.scan(topics.config_filter(), payload::is_ours).await?;
    ours.retain(|topic| topics.is_own(topic));
    let cameras: BTreeSet<_> = ours
        .iter()
        .filter_map(|topic| match topics.config_owner(topic)? {
            Owner::Camera(camera) => Some(camera),
            Owner::Bridge => None,
        })
        .collect();
    for filter in topics.state_filters() {
        let states = lease.scan(filter, |_, _| true).await?;
        ours.extend(
            states.into_iter().filter(|topic| topics.leaf_owner(topic).is_some_and(|camera| cameras.contains(&camera))),
        );
    }
    Ok(ours)
}

/// Every retained topic of our node and base, whoever wrote it.
async fn perhaps_ours(lease: &Lease, topics: &Topics) -> Result<BTreeSet<String>, LinkLost> {
    let mut all = BTreeSet::new();
    for filter in topics.own_filters() {
        // The configs of all programs come by one filter.
        all.extend(lease.scan(filter, |_, _| true).await?.into_iter().filter(|topic| topics.is_own(topic)));
    }
    Ok(all)
}
