//! Asking the source of the credentials, beside everything else: an answer may take ten seconds, or never come.
//!
//! In: reasons to ask. Out: answers. Invariant: one question at a time, and nothing waits for its answer that can go on without it.

use std::time::Duration;

use rand::Rng;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::options::BrokerOptions;
use crate::supervisor::{CredentialSource, SupervisorError};

/// What the source says.
pub(super) type Answer = Result<BrokerOptions, SupervisorError>;

/// From one question to the next while the broker refuses the password that is known. Nobody is told of a new one, and the Supervisor has
/// it within seconds after the broker's app has drawn it.
const AGAIN: std::ops::Range<Duration> = Duration::from_secs(2)..Duration::from_secs(5);

/// The question that may be open.
#[derive(Default)]
pub(super) struct Question {
    open: JoinSet<Answer>,
    again_at: Option<Instant>,
}

impl Question {
    /// Asks, if no question is open.
    pub(super) fn ask(&mut self, source: &CredentialSource) {
        if !self.open.is_empty() {
            return;
        }
        let source = source.clone();
        self.open.spawn(async move { source.get().await });
        self.again_at = Some(Instant::now() + rand::rng().random_range(AGAIN));
    }

    /// The answer to the open question. Never comes when none is open. May be given up at any moment; the question stays open.
    pub(super) async fn answer(&mut self) -> Answer {
        loop {
            match self.open.join_next().await {
                Some(Ok(answer)) => return answer,
                Some(Err(error)) => tracing::error!(%error, "A question for the broker's credentials was lost"),
                None => std::future::pending().await,
            }
        }
    }

    /// Asks again and again, and returns each answer.
    pub(super) async fn next_answer(&mut self, source: &CredentialSource) -> Answer {
        let again_at = self.again_at.unwrap_or_else(Instant::now);
        if self.open.is_empty() {
            tokio::time::sleep_until(again_at).await;
            self.ask(source);
        }
        self.answer().await
    }
}
