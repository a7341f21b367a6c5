//! What the watches say at one moment. Rendering works on a copy, so that no writer waits for it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::camera::{CameraId, Hearings, Inventory, LastProbes, Pictures, Statuses, Timelines};
use crate::chain::Chain;
use crate::events::outbox::Histories;
use crate::homeassistant::topics::Owner;
use crate::web::feeds::Feeds;

/// Everything that the pages show and that changes by itself.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    pub(super) chain: Chain,
    pub(super) inventory: Inventory,
    pub(super) statuses: Statuses,
    pub(super) probes: LastProbes,
    pub(super) timelines: Timelines,
    pub(super) pictures: Pictures,
    pub(super) histories: Histories,
    pub(super) hearings: Hearings,
    pub(super) dismissed: BTreeSet<Owner>,
    pub(super) announced_at: Option<Timestamp>,
}

impl Moment {
    pub(super) fn of(feeds: &Feeds) -> Self {
        Self {
            now: Timestamp::now(),
            chain: feeds.chain.borrow().clone(),
            inventory: feeds.inventory.borrow().clone(),
            statuses: feeds.statuses.borrow().clone(),
            probes: feeds.probes.borrow().clone(),
            timelines: feeds.timelines.borrow().clone(),
            pictures: feeds.pictures.borrow().clone(),
            histories: feeds.histories.borrow().clone(),
            hearings: feeds.hearings.borrow().clone(),
            dismissed: feeds.dismissed.borrow().clone(),
            announced_at: feeds.announced.borrow().as_ref().map(|announced| announced.at),
        }
    }

    /// Changes with what only the page of one camera shows.
    pub(super) fn looks_at(&self, camera: &CameraId) -> String {
        let probe = self.probes.get(camera).map(|probe| probe.at);
        let delivered = self.histories.get(camera).and_then(|history| history.delivered.as_deref());
        let unknown = self.hearings.get(camera).map(|state| state.unknown.keys().collect::<Vec<_>>());
        format!("{probe:?} {:?} {delivered:?} {unknown:?}", self.announced_at)
    }
}

/// Waits until anything of it is different.
pub(super) async fn changed(feeds: &mut Feeds) {
    tokio::select! {
        Ok(()) = feeds.chain.changed() => {}
        Ok(()) = feeds.inventory.changed() => {}
        Ok(()) = feeds.statuses.changed() => {}
        Ok(()) = feeds.probes.changed() => {}
        Ok(()) = feeds.timelines.changed() => {}
        Ok(()) = feeds.pictures.changed() => {}
        Ok(()) = feeds.histories.changed() => {}
        Ok(()) = feeds.hearings.changed() => {}
        Ok(()) = feeds.dismissed.changed() => {}
        Ok(()) = feeds.announced.changed() => {}
        // All writers are gone: we are stopping, and who waits for us is told by another way.
        else => std::future::pending().await,
    }
}
