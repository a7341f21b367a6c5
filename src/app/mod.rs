//! The running service: made from an installation, run until asked to stop, changed while it runs.

pub mod installation;
pub(crate) mod signals;
mod tasks;
mod wiring;

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::wiring::Wired;
use crate::app::installation::Installation;
use crate::app::signals::{Ask, Signals};
use crate::app::tasks::Tasks;
use crate::camera::Inventory;
use crate::logging::LevelHandle;
use crate::options::Options;
use crate::store::Store;

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
    options: watch::Sender<Arc<Options>>,
    level: Option<LevelHandle>,
}

impl App {
    /// Builds everything and starts it.
    pub async fn start(installation: Installation, store: Store, level: Option<LevelHandle>) -> Self {
        let Wired { tasks, sources, inventory, options } = wiring::wire(&installation, store).await;
        Self { installation, tasks, sources, inventory, options, level }
    }

    /// Runs until asked to stop, or until a task dies.
    pub(crate) async fn run(mut self, signals: &mut Signals) -> End {
        let end = loop {
            tokio::select! {
                Some(task) = self.tasks.next_end() => {
                    tracing::error!(task, "A task ended although nobody asked it to; stopping");
                    break End::Died(task);
                }
                ask = signals.next() => match ask {
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
        self.drain().await;
        // What was asked for meanwhile goes before a new start.
        if signals.stop_asked() && matches!(end, End::Restart(_)) { End::Stopped } else { end }
    }

    /// Sources stop; everything downstream ends because its input closed.
    async fn drain(&mut self) {
        self.sources.cancel();
        self.tasks.drain().await;
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
        self.options.send_replace(Arc::new(after.clone()));
        tracing::info!(cameras = self.inventory.borrow().len(), changed, "Read the options again");
        self.installation = fresh;
        None
    }
}
