//! `camera-herald announce`: sends the discovery messages once and waits for the acknowledgements.

use std::process::ExitCode;

use super::blocking::block_on;
use super::{CommandError, once, say};
use crate::app::installation::Installation;
use crate::mirror::Goal;

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
    let inventory = installation.inventory();
    let cameras = inventory.len();
    once::reach(installation, Goal::Devices, inventory).await?;
    Ok(cameras)
}

pub(super) fn command(installation: &Installation) -> Result<ExitCode, CommandError> {
    let cameras = announce(installation)?;
    say(&format!("Announced {cameras} cameras; the broker has acknowledged everything."));
    Ok(ExitCode::SUCCESS)
}
