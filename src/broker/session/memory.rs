//! What a session keeps from one connection to the next, and the conclusions it draws from how they ended.

use std::time::Duration;

use super::connection::Ended;
use super::error::SessionError;
use super::scout::Allowance;
use crate::backoff::Backoff;
use crate::broker::client_id;
use crate::broker::link::Cause;
use crate::broker::settings::{Identity, Timing};
use crate::options::BrokerOptions;
use crate::supervisor::{CredentialSource, Patience, SupervisorError};

/// Sessions in a row that the broker closes right after they began: somebody else uses our client id.
const SHORT_SESSIONS: u32 = 4;
/// A message larger than this may be why a broker that tells no limit closed the connection.
const SUSPICIOUS_SIZE: usize = 64 * 1024;

/// What is kept from one connection to the next.
pub(super) struct Memory {
    pub(super) epoch: u64,
    pub(super) broker: Option<BrokerOptions>,
    pub(super) allowance: Option<(String, Allowance)>,
    /// Ask the source again before the next try.
    pub(super) ask: bool,
    pub(super) last_error: Option<String>,
    short_sessions: u32,
    /// Size of the largest message under way when the broker closed on us.
    suspect: Option<usize>,
    wait: Backoff,
    supervisor_wait: Backoff,
    slow_wait: Backoff,
}

/// What ended a try, and so what to wait for.
pub(super) enum Trouble {
    Supervisor(SupervisorError),
    Broker(SessionError),
}

impl Trouble {
    pub(super) fn cause(&self) -> Cause {
        match self {
            Self::Supervisor(error) => Cause::new(error.kind(), error.to_string()),
            Self::Broker(error) => error.cause(),
        }
    }
}

impl Memory {
    pub(super) fn new(timing: &Timing) -> Self {
        let supervisor_longest = Duration::from_secs(5).min(timing.longest_wait);
        Self {
            epoch: 0,
            broker: None,
            allowance: None,
            ask: true,
            last_error: None,
            short_sessions: 0,
            suspect: None,
            wait: Backoff::new(timing.first_wait, timing.longest_wait),
            supervisor_wait: Backoff::new(timing.first_wait, supervisor_longest),
            slow_wait: Backoff::new(timing.longest_wait, timing.longest_wait * 2),
        }
    }

    /// The credentials to try. The known ones serve while the source has no answer: the broker may be fine while the
    /// Supervisor restarts.
    pub(super) async fn credentials(&mut self, source: &CredentialSource) -> Result<BrokerOptions, SupervisorError> {
        if let (false, Some(known)) = (self.ask, &self.broker) {
            return Ok(known.clone());
        }
        match (source.get().await, &self.broker) {
            (Ok(broker), _) => {
                self.ask = false;
                self.supervisor_wait.reset();
                self.broker = Some(broker.clone());
                Ok(broker)
            }
            (Err(SupervisorError::ServiceNotEnabled), _) => {
                self.broker = None;
                Err(SupervisorError::ServiceNotEnabled)
            }
            (Err(_), Some(known)) => Ok(known.clone()),
            (Err(error), None) => Err(error),
        }
    }

    pub(super) fn pause(&mut self, trouble: &Trouble) -> Duration {
        let backoff = match trouble {
            Trouble::Broker(_) => &mut self.wait,
            Trouble::Supervisor(error) if error.patience() == Patience::Slow => &mut self.slow_wait,
            Trouble::Supervisor(_) => &mut self.supervisor_wait,
        };
        backoff.next(&mut rand::rng())
    }

    /// A link that held is a good one; one that the broker closes again and again right away is not.
    pub(super) fn judge(&mut self, lived: Duration, timing: &Timing, ended: &Ended) {
        if lived >= timing.settled {
            self.wait.reset();
        }
        let closed = matches!(ended, Ended::Lost { error: SessionError::Broken(_) | SessionError::Io(_), .. });
        self.short_sessions = if closed && lived < timing.keep_alive { self.short_sessions + 1 } else { 0 };
    }

    /// Draws conclusions from how a connection ended, so that the next one does not end the same way.
    pub(super) fn learn(&mut self, error: &SessionError, largest: usize, identity: &mut Identity) {
        let taken_over = matches!(error, SessionError::TakenOver) || self.short_sessions >= SHORT_SESSIONS;
        if taken_over {
            self.short_sessions = 0;
            let fresh = client_id::random();
            tracing::error!(
                client_id = identity.client_id,
                fresh,
                "The broker keeps closing our session right after it begins. A second copy of Camera Herald probably \
                 uses the same client id; stop one of them. This copy goes on with a fresh client id"
            );
            identity.client_id = fresh;
        }
        let too_large = matches!(error, SessionError::PacketTooLarge { .. });
        let closed = matches!(error, SessionError::Broken(_) | SessionError::Io(_));
        if too_large || (closed && largest > SUSPICIOUS_SIZE && self.suspect == Some(largest)) {
            self.lower_limit(error, largest);
        }
        self.suspect = (closed && largest > SUSPICIOUS_SIZE).then_some(largest);
    }

    /// The broker closed twice on the same large message, or said that it is too large.
    fn lower_limit(&mut self, error: &SessionError, largest: usize) {
        let told = match error {
            SessionError::PacketTooLarge { limit } => *limit,
            _ => None,
        };
        let limit = told.unwrap_or(largest.saturating_sub(1)).max(1_024);
        tracing::warn!(
            bytes = largest,
            limit,
            "The broker does not take messages this large; larger ones are held back"
        );
        if let Some((_broker, allowance)) = &mut self.allowance {
            allowance.max_packet = Some(limit);
        }
    }
}
