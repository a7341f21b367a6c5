//! `camera-herald announce`: sends the discovery messages once and waits for the acknowledgements.

use std::collections::BTreeSet;
use std::process::ExitCode;

use tokio::time::Instant;

use super::blocking::block_on;
use super::{CommandError, once, say};
use crate::app::installation::Installation;
use crate::mirror::announcer::Delivery;
use crate::mirror::ledger::Ledger;
use crate::mirror::pace::Pace;
use crate::mirror::plan::Plan;
use crate::store::Store;

/// Announces the bridge and every enabled camera; returns how many cameras.
///
/// Only the devices: their states belong to the running service.
///
/// # Errors
/// [`CommandError::InsideRuntime`] when called inside a runtime; else what went wrong on the way to the broker.
pub fn announce(installation: &Installation) -> Result<usize, CommandError> {
    block_on(announce_async(installation))?
}

/// [`announce`] for callers inside a runtime.
///
/// # Errors
/// What went wrong on the way to the broker.
pub async fn announce_async(installation: &Installation) -> Result<usize, CommandError> {
    let plan = Plan::new(&installation.inventory(), &BTreeSet::new());
    let ledger = Ledger::load(Store::open(&installation.environment.data_dir)?).await;
    once::connected(installation, |handle| async {
        let mut delivery = Delivery::new(installation.topics(), handle, ledger, Pace::new(Instant::now()));
        delivery.announce_configs(&plan).await?;
        Ok(())
    })
    .await?;
    Ok(plan.cameras.len())
}

pub(super) fn command(installation: &Installation) -> Result<ExitCode, CommandError> {
    let cameras = announce(installation)?;
    say(&format!("Announced {cameras} cameras; the broker has acknowledged everything."));
    Ok(ExitCode::SUCCESS)
}
