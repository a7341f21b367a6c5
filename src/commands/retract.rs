//! `camera-herald retract`: takes everything of this installation off the broker.

use std::collections::BTreeSet;
use std::process::ExitCode;

use tokio::time::Instant;

use super::blocking::block_on;
use super::{CommandError, once, say};
use crate::app::installation::Installation;
use crate::mirror::announcer::{Delivery, clear_leftovers};
use crate::mirror::ledger::Ledger;
use crate::mirror::pace::Pace;
use crate::store::Store;

/// Clears every retained topic that the ledger knows or that the broker holds under our base and node.
///
/// # Errors
/// [`CommandError::InsideRuntime`] when called inside a runtime; else what went wrong on the way to the broker.
pub fn retract(installation: &Installation) -> Result<(), CommandError> {
    block_on(retract_async(installation))?
}

/// [`retract`] for callers inside a runtime.
///
/// # Errors
/// What went wrong on the way to the broker.
pub async fn retract_async(installation: &Installation) -> Result<(), CommandError> {
    let ledger = Ledger::load(Store::open(&installation.environment.data_dir)?).await;
    once::connected(installation, |handle| async {
        let nothing = BTreeSet::new();
        let topics = installation.topics();
        let status = topics.status();
        let mut delivery = Delivery::new(topics, handle, ledger, Pace::new(Instant::now()));
        delivery.clear_known_leftovers(&nothing).await?;
        clear_leftovers(&mut delivery, &nothing).await?;
        delivery.clear(vec![status]).await?;
        Ok(())
    })
    .await
}

pub(super) fn command(installation: &Installation) -> Result<ExitCode, CommandError> {
    retract(installation)?;
    say("Took all devices of Camera Herald off the broker; Home Assistant has removed them.");
    Ok(ExitCode::SUCCESS)
}
