//! Requests that hyper could not read. It answers them by itself, and the camera shows the answer to nobody.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Terms;

/// The log does not grow with the number of such requests.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// When the last one was said.
#[derive(Debug, Default)]
pub(super) struct Unreadable(Mutex<Option<Instant>>);

impl Unreadable {
    /// A connection ended with this error.
    pub(super) fn tell(&self, terms: Terms, error: &hyper::Error) {
        if terms.typed && error.is_parse() && self.is_due() {
            tracing::warn!(
                port = terms.name,
                %error,
                "A request that cannot be read was refused: check the address, the headers and the protocol (http, not https) that the \
                 sender was given (at most one such line in 10 s)"
            );
        } else {
            tracing::debug!(port = terms.name, %error, "A connection broke");
        }
    }

    fn is_due(&self) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = said.is_none_or(|at| at.elapsed() >= SAY_EVERY);
        if is_due {
            *said = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_in_ten_seconds_is_said() {
        let unreadable = Unreadable::default();
        assert!(unreadable.is_due() && !unreadable.is_due());
        tokio::time::sleep(SAY_EVERY).await;
        assert!(unreadable.is_due() && !unreadable.is_due());
    }
}
