//! Async work from a plain thread.

use std::future::Future;
use std::process::ExitCode;

use tokio::runtime::{Builder, Handle, Runtime};

use super::CommandError;
use crate::app::signals::{Listener, Signals};

/// Worker threads of the service. The work is waiting; more threads would only cost memory.
const WORKERS: usize = 2;

/// Runs a future to its end on a runtime of its own.
///
/// # Errors
/// [`CommandError::InsideRuntime`] instead of a panic when the thread already drives a runtime.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, CommandError> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(work);
    // A name that still resolves must not hold up the end.
    runtime.shutdown_background();
    Ok(outcome)
}

/// Runs a service that obeys the process's signals, to its end, or until a stop is asked for the second time: then whatever it does is
/// left as it is, and the program ends as one that was asked to stop.
///
/// # Errors
/// Those of the service, and [`CommandError::Runtime`] when the system gives no threads or no signals.
pub(super) fn serve<W, F>(service: W) -> Result<ExitCode, CommandError>
where
    W: FnOnce(Signals) -> F,
    F: Future<Output = Result<ExitCode, CommandError>> + Send + 'static,
{
    // First of all: until then a signal ends the process by the system's default.
    let listener = Listener::start().map_err(CommandError::Runtime)?;
    let runtime = runtime()?;
    // On a worker, so that this thread hears the second signal also while the service's own stands still.
    let mut service = runtime.spawn(service(listener.signals()));
    let ended = runtime.block_on(async {
        tokio::select! {
            biased;
            () = listener.hurry() => {
                tracing::warn!("Asked to stop once more: leaving at once");
                Ok(ExitCode::SUCCESS)
            }
            ended = &mut service => ended.unwrap_or_else(|error| {
                tracing::error!(%error, "The service panicked");
                Ok(ExitCode::FAILURE)
            }),
        }
    });
    runtime.shutdown_background();
    ended
}

fn runtime() -> Result<Runtime, CommandError> {
    if Handle::try_current().is_ok() {
        return Err(CommandError::InsideRuntime);
    }
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("herald")
        .enable_all()
        .build()
        .map_err(CommandError::Runtime)
}
