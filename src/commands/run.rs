//! `camera-herald run`: the service, until it is asked to stop.

use std::process::ExitCode;

use super::CommandError;
use super::blocking::block_on;
use crate::app::installation::Installation;
use crate::app::lifecycle::{self, Asks};
use crate::app::{App, End};
use crate::logging::{self, LevelHandle};
use crate::options::{Environment, LogLevel};
use crate::store::Store;

pub(super) fn run(environment: Environment, overrides: Vec<(String, String)>) -> Result<ExitCode, CommandError> {
    let level = logging::start(LogLevel::default());
    lifecycle::raise_open_files();
    block_on(async {
        // First of all: until then a signal ends the process by the system's default.
        let asks = Asks::listen().map_err(CommandError::Runtime)?;
        let installation = Installation::load(environment, overrides)?;
        serve(installation, level, asks).await
    })?
}

/// Runs the service, and again with other options when those change.
pub(super) async fn serve(
    mut installation: Installation,
    level: Option<LevelHandle>,
    mut asks: Asks,
) -> Result<ExitCode, CommandError> {
    let store = Store::open(&installation.environment.data_dir)?;
    loop {
        if let Some(level) = &level {
            level.set(installation.options.log_level);
        }
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            cameras = installation.inventory().len(),
            broker_from = installation.session_settings().source.describe(),
            "Camera Herald has started"
        );
        let app = App::start(installation, store.clone(), level.clone()).await;
        match app.run(&mut asks).await {
            End::Stopped => return Ok(ExitCode::SUCCESS),
            End::Died(_task) => return Ok(ExitCode::FAILURE),
            End::Restart(fresh) => installation = *fresh,
        }
    }
}
