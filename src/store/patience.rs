//! A statement that may take only so long.

use std::sync::mpsc;
use std::time::Duration;

use rusqlite::Connection;

/// Does the work, and interrupts what the connection is busy with when the time is up: it then fails with `OperationInterrupted`.
pub(super) fn within<T>(connection: &Connection, patience: Duration, work: impl FnOnce() -> T) -> T {
    let interrupt = connection.get_interrupt_handle();
    let (done, until_done) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if until_done.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
                interrupt.interrupt();
            }
        });
        let outcome = work();
        drop(done);
        outcome
    })
}
