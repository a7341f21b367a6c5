//! Async work from a plain thread.

use std::future::Future;

use tokio::runtime::{Builder, Handle};

use super::CommandError;

/// Worker threads of the service. The work is waiting; more threads would only cost memory.
const WORKERS: usize = 2;

/// Runs a future to its end on a runtime of its own.
///
/// # Errors
/// [`CommandError::InsideRuntime`] instead of a panic when the thread already drives a runtime.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, CommandError> {
    if Handle::try_current().is_ok() {
        return Err(CommandError::InsideRuntime);
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("herald")
        .enable_all()
        .build()
        .map_err(CommandError::Runtime)?;
    let outcome = runtime.block_on(work);
    // A name that still resolves must not hold up the end.
    runtime.shutdown_background();
    Ok(outcome)
}
