//! The task of one device: does what [`super::life`] says, and hands on what the device tells.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::ears::{Ear, whose};
use super::life::{Beginning, Life, Step, TERM, Told};
use super::meaning::{self, Meaning};
use super::properties::{Properties, Property};
use super::submit;
use crate::camera::onvif::{Clock, Device, Notification, Operation, PullPoint, Sources, Term, Trouble};
use crate::camera::prober::ProbeRequest;
use crate::camera::{Hearings, Host};
use crate::credentials::Credentials;
use crate::events::door::limits::Limits;
use crate::events::door::{Event, Submission};
use crate::store::Store;

/// Names of unknown topics that are kept for one camera.
const MOST_UNKNOWN: usize = 64;
/// A camera that is to be let go gets this long to hear it.
const FAREWELL: Duration = Duration::from_secs(3);

/// A device, and our cameras at it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub(super) host: Host,
    pub(super) credentials: Option<Credentials>,
    pub(super) ears: Vec<Ear>,
}

/// What all listeners share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) http: reqwest::Client,
    pub(super) store: Store,
    pub(super) outbox: mpsc::Sender<Submission>,
    pub(super) pictures: mpsc::Sender<ProbeRequest>,
    pub(super) hearings: Arc<watch::Sender<Hearings>>,
}

/// One device's listener.
pub(super) struct Listener {
    target: Target,
    shared: Shared,
    life: Life,
    device: Option<Device>,
    sources: Sources,
    point: Option<PullPoint>,
    properties: Properties,
    limits: Limits,
}

impl Listener {
    pub(super) fn new(target: Target, shared: Shared) -> Self {
        Self {
            target,
            shared,
            life: Life::new(),
            device: None,
            sources: Sources::default(),
            point: None,
            properties: Properties::default(),
            limits: Limits::default(),
        }
    }

    /// Listens until the outbox is gone. Dropping it keeps the subscription for whoever comes next: until then the camera keeps what
    /// happens.
    pub(super) async fn run(mut self) {
        self.point = recall(&self.shared.store, &self.target.host).await;
        loop {
            match self.life.next(now()) {
                Step::Wait(until) => tokio::time::sleep_until(until.into()).await,
                Step::Begin { fresh } => {
                    let outcome = self.begin(fresh).await;
                    self.life.began(outcome, now(), &mut rand::rng());
                }
                Step::Renew => {
                    let outcome = self.renew().await;
                    self.life.renewed(outcome, now(), &mut rand::rng());
                }
                Step::Synchronise => {
                    let outcome = self.synchronise().await;
                    self.life.synchronised(outcome, now(), &mut rand::rng());
                }
                Step::Pull(wait) => {
                    let outcome = self.pull(wait).await;
                    let Some((outcome, took)) = outcome else { return };
                    self.life.pulled(outcome, took, now(), &mut rand::rng());
                }
            }
            self.tell();
        }
    }

    /// Meets the device anew, since it may have another clock or address, and has a subscription there.
    async fn begin(&mut self, fresh: bool) -> Result<Beginning, Trouble> {
        let Target { host, credentials, .. } = &self.target;
        let mut device = Device::meet(&self.shared.http, host, credentials.as_ref()).await?;
        let old = self.point.as_ref().and_then(|point| point.by_way_of(&device));
        if let Some(old) = old {
            if !fresh && let Ok(kept_for) = device.renew(&old, self.term()).await {
                self.sources = device.sources().await.unwrap_or_default();
                (self.device, self.point) = (Some(device), Some(old));
                return Ok(Beginning { kept_for, taken_up: true });
            }
            // A camera with one place has none as long as the old one is there.
            let _gone_or_soon_over = device.unsubscribe(&old).await;
            self.point = None;
        }
        let (point, kept_for) = device.subscribe(self.term()).await?;
        remember(&self.shared.store, &self.target.host, Some(&point)).await;
        self.sources = device.sources().await.unwrap_or_default();
        (self.device, self.point) = (Some(device), Some(point));
        Ok(Beginning { kept_for, taken_up: false })
    }

    async fn renew(&mut self) -> Result<Option<Duration>, Trouble> {
        let term = self.term();
        match (&mut self.device, &self.point) {
            (Some(device), Some(point)) => device.renew(point, term).await,
            _ => Ok(None),
        }
    }

    async fn synchronise(&mut self) -> Result<(), Trouble> {
        match (&mut self.device, &self.point) {
            (Some(device), Some(point)) => device.synchronise(point).await,
            _ => Ok(()),
        }
    }

    /// One pull, and what came of it on disk. `None` when nobody takes events any more.
    async fn pull(&mut self, wait: Duration) -> Option<(Result<Told, Trouble>, Duration)> {
        let began = Instant::now();
        let (Some(mut device), Some(point)) = (self.device.take(), self.point.clone()) else {
            return Some((Ok(Told::default()), wait));
        };
        let (mut told, mut events, clock) = (Told::default(), Vec::new(), device.times());
        let outcome = device
            .pull(&point, wait, |message| {
                told.messages += 1;
                told.initialized += usize::from(message.operation == Operation::Initialized);
                events.extend(self.understand(&message, clock));
            })
            .await;
        self.device = Some(device);
        let took = began.elapsed();
        self.hand_on(events).await.then_some((outcome.map(|_| told), took))
    }

    /// The events of a message.
    fn understand(&mut self, message: &Notification, clock: Clock) -> Vec<Event> {
        let Some(ear) = whose(&self.target.ears, &self.sources, message).cloned() else { return Vec::new() };
        let seen = match meaning::of(message) {
            Meaning::Of(seen) => seen,
            Meaning::Ignored => return Vec::new(),
            Meaning::Unknown => {
                self.note_unknown(&ear, &message.topic);
                return Vec::new();
            }
        };
        let now = now();
        let news = seen.into_iter().filter(|seen| {
            let property = Property::of(message, &ear.camera, seen.kind);
            self.properties.tell(property, *seen, message.operation, now)
        });
        // A camera that rages must not fill the outbox of the others.
        let bearable = news.filter(|_| self.limits.admit(&ear.camera, Instant::now()).is_ok());
        bearable.map(|seen| submit::event(&ear, seen, message, clock, Timestamp::now())).collect()
    }

    /// Brings events to disk and asks for a picture of what happens. `false` when nobody takes events any more.
    async fn hand_on(&self, events: Vec<Event>) -> bool {
        let mut cameras: Vec<_> = events.iter().map(|event| event.camera.clone()).collect();
        cameras.dedup();
        if !submit::submit(&self.shared.outbox, events).await {
            return false;
        }
        for camera in cameras {
            // The prober has its own bounds; a picture less is no loss.
            let _busy = self.shared.pictures.try_send(ProbeRequest::One(camera));
        }
        true
    }

    fn note_unknown(&self, ear: &Ear, topic: &str) {
        self.shared.hearings.send_if_modified(|hearings| {
            let Some(state) = hearings.get_mut(&ear.camera) else { return false };
            if let Some(count) = state.unknown.get_mut(topic) {
                *count += 1;
                return false;
            }
            if state.unknown.len() >= MOST_UNKNOWN {
                return false;
            }
            tracing::info!(camera.id = %ear.camera, topic, "The camera tells something that Camera Herald does not know");
            state.unknown.insert(topic.to_owned(), 1);
            true
        });
    }

    /// Tells how it is, once per change.
    fn tell(&self) {
        let (hearing, failure) = self.life.hearing();
        let mut news = false;
        self.shared.hearings.send_if_modified(|hearings| {
            for ear in &self.target.ears {
                let state = hearings.get_mut(&ear.camera);
                news |= state.is_some_and(|state| state.become_(hearing, failure, Timestamp::now()));
            }
            news
        });
        if !news {
            return;
        }
        let (host, hearing) = (&self.target.host, hearing.as_str());
        match failure {
            Some(failure) => tracing::warn!(%host, hearing, reason = failure.reason.as_str(), "{}", failure.detail),
            None => tracing::info!(%host, hearing, "The camera's own events are heard"),
        }
    }

    fn term(&self) -> Term {
        if self.life.is_absolute() { Term::Absolute(TERM) } else { Term::Relative(TERM) }
    }
}

/// Gives the subscription at a host back, if there is one: nobody will listen there any more.
pub(super) async fn release(shared: &Shared, target: &Target) {
    let Some(point) = recall(&shared.store, &target.host).await else { return };
    let farewell = async {
        let mut device = Device::meet(&shared.http, &target.host, target.credentials.as_ref()).await.ok()?;
        device.unsubscribe(&point.by_way_of(&device)?).await.ok()
    };
    // The camera ends it by itself, only later.
    let _heard = tokio::time::timeout(FAREWELL, farewell).await;
    remember(&shared.store, &target.host, None).await;
}

async fn recall(store: &Store, host: &Host) -> Option<PullPoint> {
    let kept = store.subscription(host.to_string()).await;
    let kept = kept.inspect_err(|error| tracing::warn!(%host, %error, "What was subscribed cannot be read")).ok()??;
    serde_json::from_str(&kept).ok()
}

async fn remember(store: &Store, host: &Host, point: Option<&PullPoint>) {
    let point = point.and_then(|point| serde_json::to_string(point).ok());
    if let Err(error) = store.keep_subscription(host.to_string(), point).await {
        tracing::warn!(%host, %error, "What was subscribed cannot be kept; after a crash its place is taken for ten minutes");
    }
}

/// The clock of the runtime, so that tests may pause it.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}
