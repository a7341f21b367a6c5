//! `camera-herald retract`: takes everything of this installation off the broker.

use std::process::ExitCode;

use super::blocking::block_on;
use super::{CommandError, once, say};
use crate::app::installation::Installation;
use crate::camera::Inventory;
use crate::mirror::Goal;

/// Clears every retained topic that the ledger knows, and what else the broker holds that says to be ours.
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
    once::reach(installation, Goal::Nothing, Inventory::default()).await
}

pub(super) fn command(installation: &Installation) -> Result<ExitCode, CommandError> {
    retract(installation)?;
    say("Took all devices of Camera Herald off the broker; Home Assistant has removed them.");
    Ok(ExitCode::SUCCESS)
}
