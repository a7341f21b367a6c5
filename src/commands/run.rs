//! `camera-herald run`: the service, until it is asked to stop.

use std::process::ExitCode;

use super::{CommandError, blocking};
use crate::app::installation::Installation;
use crate::app::signals::Signals;
use crate::app::{App, End};
use crate::logging::{self, LevelHandle};
use crate::options::{Environment, LogLevel};
use crate::process;
use crate::store::Store;

pub(super) fn run(environment: Environment, overrides: Vec<(String, String)>) -> Result<ExitCode, CommandError> {
    let level = logging::start(LogLevel::default());
    process::raise_open_files();
    blocking::serve(|signals| async {
        let installation = Installation::load(environment, overrides)?;
        serve(installation, level, signals).await
    })
}

/// Runs the service, and again with other options when those change.
pub(super) async fn serve(
    mut installation: Installation,
    level: Option<LevelHandle>,
    mut signals: Signals,
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
        match app.run(&mut signals).await {
            End::Stopped => return Ok(ExitCode::SUCCESS),
            End::Died(_task) => return Ok(ExitCode::FAILURE),
            End::Restart(fresh) => installation = *fresh,
        }
    }
}
