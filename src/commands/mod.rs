//! What the program does when it is called: one file a command.
//!
//! `announce`, `retract` and `check` also serve as a library. They can be called from a plain thread; inside a runtime
//! they return an error, and their `_async` twins are there for that.

mod announce;
mod blocking;
mod check;
#[cfg(feature = "demo")]
mod demo;
mod healthcheck;
mod once;
mod retract;
mod run;
mod snapshot;

use std::io;
use std::process::ExitCode;

use crate::app::installation::Installation;
use crate::broker::{Cause, LinkLost};
use crate::cli::{Cli, Command};
use crate::options::{Environment, LogLevel, OptionsError};
use crate::store::StoreError;
use crate::{logging, tls};

pub use announce::{announce, announce_async};
pub use check::{CheckReport, Step, check, check_async};
pub use retract::{retract, retract_async};

/// Why a command failed. The variants are the caller's next move.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Blocking here would stop the runtime that we are called from: await the `_async` twin.
    #[error("called inside an async runtime; await the function with _async at its end")]
    InsideRuntime,
    /// The system gives no threads.
    #[error("no runtime can be started: {0}")]
    Runtime(#[source] io::Error),
    /// The options must be changed.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The database must not be touched.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The broker was not reached in time.
    #[error("the broker was not reached: {0}")]
    NotConnected(Cause),
    /// The broker did not acknowledge everything.
    #[error(transparent)]
    Publish(#[from] LinkLost),
    /// The broker's access rules or limits are in the way; each message was named.
    #[error("the broker did not take {messages} of the messages; the lines above name them")]
    Untaken {
        /// How many.
        messages: u64,
    },
    /// The demo's broker, cameras or temporary directory.
    #[cfg(feature = "demo")]
    #[error("the demo cannot start: {0}")]
    Demo(#[source] io::Error),
    /// The running service does not answer, or not well.
    #[error("{0}")]
    Unhealthy(String),
}

impl CommandError {
    /// 2 when the options or the data dir need the user, 1 for everything else.
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Options(_) | Self::Store(StoreError::Newer { .. }) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Runs the command that the command line names.
#[must_use]
pub fn dispatch(cli: Cli) -> ExitCode {
    tls::install_provider();
    let mut environment = Environment::read();
    if let Some(dir) = cli.data_dir {
        environment.data_dir = dir;
    }
    if cli.options.is_some() {
        environment.options_file = cli.options;
    }
    let outcome = match cli.command.unwrap_or(Command::Run) {
        Command::Run => run::run(environment, cli.set),
        Command::Check { json } => check::command(environment, cli.set, json),
        Command::Announce => quiet(environment, cli.set).and_then(|installation| announce::command(&installation)),
        Command::Retract => quiet(environment, cli.set).and_then(|installation| retract::command(&installation)),
        Command::Snapshot { done } => Ok(snapshot::command(&environment.data_dir, done)),
        Command::Healthcheck => healthcheck::command(&environment),
        #[cfg(feature = "demo")]
        Command::Demo => demo::command(environment.no_color, cli.set),
    };
    outcome.unwrap_or_else(|error| {
        say_error(&error);
        error.exit_code()
    })
}

/// Commands that a person calls say their result on standard output; the log only warns.
fn quiet(environment: Environment, overrides: Vec<(String, String)>) -> Result<Installation, CommandError> {
    let _log = logging::start(LogLevel::Warn);
    Ok(Installation::load(environment, overrides)?)
}

fn say(line: &str) {
    use io::Write;
    let _nobody_reads = writeln!(io::stdout(), "{line}");
}

fn say_error(error: &CommandError) {
    use io::Write;
    let _nobody_reads = writeln!(io::stderr(), "camera-herald: {error}");
}
