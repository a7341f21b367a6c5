//! The composition root: the only file that names both ends of any channel.

use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::broker::Session;
use crate::camera::prober::{self, ProbeRequest};
use crate::camera::{Inventory, Pictures, Statuses, tracker};
use crate::discovery::{Announcer, announcer, ledger::Ledger};
use crate::health::{self, Health};
use crate::ingest::{self, Doors};
use crate::installation::Installation;
use crate::lifecycle::{Ask, Asks, Drained, Tasks};
use crate::logging::LevelHandle;
use crate::outbox::{self, Keeper};
use crate::publisher::{self, Publisher};
use crate::store::Store;

/// Reports that wait for the tracker: more than probes run at once.
const REPORTS: usize = 16;
/// Events that wait for the outbox: more than it takes in one transaction.
const SUBMISSIONS: usize = 512;
/// Requests that wait for the prober.
const PROBE_REQUESTS: usize = 16;

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// On request.
    Stopped,
    /// The options changed in more than the cameras: run again with these.
    Restart(Box<Installation>),
    /// A task ended although nobody asked it to.
    Died(&'static str),
}

/// The running service.
pub struct App {
    installation: Installation,
    tasks: Tasks,
    sources: CancellationToken,
    inventory: watch::Sender<Inventory>,
    level: Option<LevelHandle>,
    /// Kept so that the prober's request channel stays open.
    _probes: mpsc::Sender<ProbeRequest>,
}

impl App {
    /// Builds everything and starts it.
    pub async fn start(installation: Installation, store: Store, level: Option<LevelHandle>) -> Self {
        let topics = installation.topics();
        let (inventory, inventory_seen) = watch::channel(installation.inventory());
        let (statuses, statuses_seen) = watch::channel(Statuses::new());
        let (pictures, pictures_seen) = watch::channel(Pictures::new());
        let (reports, reported) = mpsc::channel(REPORTS);
        let (probes, probe_requests) = mpsc::channel(PROBE_REQUESTS);
        let sources = CancellationToken::new();

        let publisher_gone = CancellationToken::new();
        let (submissions, submitted) = mpsc::channel(SUBMISSIONS);
        let events = &installation.options.events;
        let outbox_settings = outbox::Settings::new(events, TimeZone::system());
        let (keeper, outbox, histories) = Keeper::new(store.clone(), outbox_settings, inventory_seen.clone());
        let doors = Doors::new(inventory_seen.clone(), installation.event_token(), submissions);

        let (session, handle, inbound) =
            Session::new(installation.session_settings(), installation.identity(), announcer::subscriptions(&topics));
        let link = handle.link();
        let ledger = Ledger::load(store).await;
        let (announcer, announced) = Announcer::new(
            topics.clone(),
            handle.clone(),
            announcer::Sources {
                inventory: inventory_seen.clone(),
                statuses: statuses_seen.clone(),
                histories: histories.clone(),
                outbox: outbox.clone(),
                inbound,
                probes: probes.clone(),
            },
            ledger,
            publisher_gone.clone(),
        );
        let publisher = Publisher::new(
            topics,
            handle,
            publisher::Sources {
                inventory: inventory_seen.clone(),
                statuses: statuses_seen,
                histories,
                pictures: pictures_seen,
                announced: announced.clone(),
                outbox,
            },
            events.stale_after,
        );
        let health = Health { link, announced };

        let mut tasks = Tasks::default();
        tasks.spawn("session", session.run());
        tasks.spawn("announcer", announcer.run());
        tasks.spawn("publisher", async move {
            let _says_so_when_it_is_gone = publisher_gone.drop_guard();
            publisher.run().await;
        });
        tasks.spawn("outbox", keeper.run(submitted));
        tasks.spawn("doors", ingest::serve(installation.environment.events_listen, doors, sources.clone()));
        tasks.spawn("tracker", tracker::run(inventory_seen.clone(), reported, statuses, pictures));
        tasks.spawn("prober", prober::run(inventory_seen, probe_requests, reports, sources.clone()));
        tasks.spawn("health", health::serve(installation.environment.ingress_listen, health, sources.clone()));
        Self { installation, tasks, sources, inventory, level, _probes: probes }
    }

    /// Runs until asked to stop, or until a task dies.
    pub async fn run(mut self, asks: &mut Asks) -> End {
        let end = loop {
            tokio::select! {
                Some(task) = self.tasks.next_end() => {
                    tracing::error!(task, "A task ended although nobody asked it to; stopping");
                    break End::Died(task);
                }
                ask = asks.next() => match ask {
                    Ask::Stop => break End::Stopped,
                    Ask::Reload => if let Some(installation) = self.reload() {
                        break End::Restart(Box::new(installation));
                    }
                },
            }
        };
        if matches!(end, End::Stopped) {
            tracing::info!("Stopping");
        }
        self.drain(asks).await;
        end
    }

    /// Sources stop; everything downstream ends because its input closed.
    async fn drain(&mut self, asks: &mut Asks) -> Drained {
        self.sources.cancel();
        self.tasks.drain(asks).await
    }

    /// Takes changed cameras and the log level over at once; returns the installation when more than that changed.
    fn reload(&mut self) -> Option<Installation> {
        let fresh = match self.installation.reload() {
            Ok(fresh) => fresh,
            Err(error) => {
                tracing::error!("The options are wrong; going on with the ones before\n{error}");
                return None;
            }
        };
        let (before, after) = (&self.installation.options, &fresh.options);
        if before.mqtt != after.mqtt || before.topics != after.topics || before.events != after.events {
            tracing::info!("The options changed: starting over with them");
            return Some(fresh);
        }
        if let Some(level) = &self.level {
            level.set(after.log_level);
        }
        let changed = self.inventory.send_if_modified(|inventory| {
            let wanted = fresh.inventory();
            let changed = *inventory != wanted;
            *inventory = wanted;
            changed
        });
        tracing::info!(cameras = self.inventory.borrow().len(), changed, "Read the options again");
        self.installation = fresh;
        None
    }
}
