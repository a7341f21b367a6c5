//! One listener for each device, following the inventory.
//!
//! In: the inventory. Out: the [`Hearings`]. Invariant: a device that our cameras are still at keeps its subscription when its listener
//! is replaced; one that no camera is at any more is let go.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::ears::Ear;
use super::listener::{Listener, Shared, Target, release};
use crate::camera::onvif;
use crate::camera::prober::ProbeRequest;
use crate::camera::{Camera, Hearing, HearingState, Hearings, Host, Inventory};
use crate::events::door::Submission;
use crate::store::Store;

/// A listener that panicked is started again after this.
const AFTER_A_PANIC: Duration = Duration::from_secs(60);

/// What the keeper needs.
#[derive(Debug)]
pub struct Sources {
    /// The cameras that are switched on.
    pub inventory: watch::Receiver<Inventory>,
    /// Where subscriptions are kept.
    pub store: Store,
    /// To the outbox.
    pub outbox: mpsc::Sender<Submission>,
    /// Asks for a picture of what happens.
    pub pictures: mpsc::Sender<ProbeRequest>,
}

/// The task that keeps the listeners.
pub struct Keeper {
    inventory: watch::Receiver<Inventory>,
    shared: Shared,
    listeners: HashMap<Host, (Target, AbortHandle)>,
    tasks: JoinSet<()>,
    /// Which host a task of the set is for; those that say goodbye are not in it.
    hosts: HashMap<Id, Host>,
}

impl Keeper {
    /// The task, and what is heard.
    #[must_use]
    pub fn new(sources: Sources) -> (Self, watch::Receiver<Hearings>) {
        let Sources { inventory, store, outbox, pictures } = sources;
        let (hearings, heard) = watch::channel(Hearings::new());
        let shared = Shared { http: onvif::client(), store, outbox, pictures, hearings: Arc::new(hearings) };
        let tasks = JoinSet::new();
        (Self { inventory, shared, listeners: HashMap::new(), tasks, hosts: HashMap::new() }, heard)
    }

    /// Works until `stop`. Subscriptions are left as they are: what happens until the next start is kept by the cameras.
    pub async fn run(mut self, stop: CancellationToken) {
        self.follow();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                changed = self.inventory.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.follow();
                }
                Some(ended) = self.tasks.join_next_with_id() => self.look_at(ended),
            }
        }
        self.tasks.shutdown().await;
    }

    /// Has a listener for each device, and none too many.
    fn follow(&mut self) {
        let inventory = self.inventory.borrow_and_update().clone();
        self.tell_of(&inventory);
        let wanted = targets(&inventory);
        let gone: Vec<Host> = self
            .listeners
            .iter()
            .filter(|(host, (target, _))| wanted.get(*host) != Some(target))
            .map(|(host, _)| host.clone())
            .collect();
        for host in gone {
            let Some((target, abort)) = self.listeners.remove(&host) else { continue };
            abort.abort();
            self.hosts.retain(|_, known| *known != host);
            if !wanted.contains_key(&host) {
                let shared = self.shared.clone();
                self.tasks.spawn(async move { release(&shared, &target).await });
            }
        }
        for (host, target) in wanted {
            if !self.listeners.contains_key(&host) {
                self.listen(target, Duration::ZERO);
            }
        }
    }

    fn listen(&mut self, target: Target, after: Duration) {
        let listener = Listener::new(target.clone(), self.shared.clone());
        let task = self.tasks.spawn(async move {
            tokio::time::sleep(after).await;
            listener.run().await;
        });
        self.hosts.insert(task.id(), target.host.clone());
        self.listeners.insert(target.host.clone(), (target, task));
    }

    /// A panic is the trouble of one device.
    fn look_at(&mut self, ended: Result<(Id, ()), JoinError>) {
        let (id, panicked) = match &ended {
            Ok((id, ())) => (*id, false),
            Err(error) => (error.id(), error.is_panic()),
        };
        let Some(host) = self.hosts.remove(&id) else { return };
        let Some((target, _)) = self.listeners.remove(&host) else { return };
        if panicked {
            tracing::error!(%host, "Listening to a camera panicked and begins again in a minute; please report this");
            self.listen(target, AFTER_A_PANIC);
        }
    }

    /// Every camera that has a host has a state, and no other one.
    fn tell_of(&self, inventory: &Inventory) {
        let now = Timestamp::now();
        self.shared.hearings.send_if_modified(|hearings| {
            let before = hearings.clone();
            hearings.retain(|id, _| inventory.get(id).is_some_and(|camera| camera.host.is_some()));
            for camera in inventory.iter().filter(|camera| camera.host.is_some()) {
                let hearing = if camera.own_events { Hearing::Unknown } else { Hearing::Off };
                let state = hearings.entry(camera.id.clone()).or_insert_with(|| HearingState::new(hearing, now));
                if (state.hearing == Hearing::Off) == camera.own_events {
                    *state = HearingState::new(hearing, now);
                }
            }
            *hearings != before
        });
    }
}

/// The devices, each with our cameras at it.
fn targets(inventory: &Inventory) -> HashMap<Host, Target> {
    let mut targets: HashMap<Host, Target> = HashMap::new();
    for camera in inventory.iter().filter(|camera| camera.own_events) {
        let Some(host) = &camera.host else { continue };
        let target = targets.entry(host.clone()).or_insert_with(|| Target {
            host: host.clone(),
            credentials: camera.credentials.clone(),
            ears: Vec::new(),
        });
        target.ears.push(ear(camera));
    }
    targets
}

fn ear(camera: &Camera) -> Ear {
    Ear { camera: camera.id.clone(), kind: camera.kind, channel: camera.channel }
}
