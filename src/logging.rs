//! The log: to standard output, one line per change of state, at a level that can change while running.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

use crate::options::LogLevel;

/// Changes the level of the running log.
#[derive(Debug, Clone)]
pub struct LevelHandle(reload::Handle<EnvFilter, Registry>);

impl LevelHandle {
    /// From now on.
    pub fn set(&self, level: LogLevel) {
        let _log_is_gone = self.0.reload(filter(level));
    }
}

/// Starts the log. `None` when the process has one already, which then stays.
#[must_use]
pub(crate) fn start(level: LogLevel) -> Option<LevelHandle> {
    let (filter, handle) = reload::Layer::new(filter(level));
    let lines = fmt::layer().with_ansi(std::io::stdout().is_terminal()).with_target(false);
    tracing_subscriber::registry().with(filter).with(lines).try_init().ok()?;
    Some(LevelHandle(handle))
}

/// Our own lines at the level, those of the libraries when they warn: theirs do not know what a user can do.
fn filter(level: LogLevel) -> EnvFilter {
    let others = match level {
        LogLevel::Trace => "debug",
        LogLevel::Debug => "info",
        _ => "error",
    };
    EnvFilter::new(format!("{others},camera_herald={level}"))
}
