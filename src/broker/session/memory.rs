//! What a session keeps from one connection to the next, and the conclusions it draws from how they ended.

use std::time::Duration;

use super::connection::Ended;
use super::dial;
use super::error::SessionError;
use super::scout::Allowance;
use crate::backoff::Backoff;
use crate::broker::cause::Cause;
use crate::broker::settings::{Identity, Timing};
use crate::broker::{ASSUMED_MAX_PACKET, client_id};
use crate::options::BrokerOptions;
use crate::supervisor::{CredentialSource, Patience, SupervisorError};

/// Sessions in a row that the broker closes right after they began: somebody else uses our client id.
const SHORT_SESSIONS: u32 = 4;
/// A message larger than this may be why a broker that tells no limit closed the connection.
const SUSPICIOUS_SIZE: usize = 64 * 1024;
/// No conclusion about a broker goes below this: availability and events always go out.
const SMALLEST_LIMIT: usize = 1_024;

/// A link that was up this long was of use, though it may not have been a good one.
const SERVED: Duration = Duration::from_secs(1);
/// The longest wait right after such a link. A broker that restarts is back at once, however often it did so before.
const AFTER_A_LINK: Duration = Duration::from_secs(2);

/// What is kept from one connection to the next.
pub(super) struct Memory {
    pub(super) epoch: u64,
    pub(super) broker: Option<BrokerOptions>,
    pub(super) allowance: Option<(String, Allowance)>,
    /// Ask the source again before the next try.
    pub(super) ask: bool,
    pub(super) last_error: Option<String>,
    short_sessions: u32,
    /// The last link was of use, so the broker is probably there or comes back.
    served: bool,
    /// Whether the broker said what it takes.
    limit_told: bool,
    /// Size of the largest message under way when the broker closed on us.
    suspect: Option<usize>,
    /// The limit that a broker was seen to have.
    lowered: Option<(String, usize)>,
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
            Self::Supervisor(error) => Cause::from(error),
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
            served: false,
            limit_told: false,
            suspect: None,
            lowered: None,
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
        let pause = backoff.next(&mut rand::rng());
        if std::mem::take(&mut self.served) { pause.min(AFTER_A_LINK) } else { pause }
    }

    /// A link that held is a good one; one that the broker closes again and again right away is not.
    pub(super) fn judge(&mut self, lived: Duration, timing: &Timing, ended: &Ended) {
        if lived >= timing.settled {
            self.wait.reset();
        }
        self.served = lived >= SERVED;
        let closed = matches!(ended, Ended::Lost { error: SessionError::Broken(_) | SessionError::Io(_), .. });
        self.short_sessions = if closed && lived < timing.keep_alive { self.short_sessions + 1 } else { 0 };
    }

    /// No connection came to be: what was known of the broker may not hold any more.
    pub(super) fn not_opened(&mut self) {
        self.ask = true;
        self.allowance = None;
        // Somebody who took our session over would find a broker that lets us in each time.
        self.short_sessions = 0;
    }

    /// The largest packet for this broker: what it tells, or what was learned from it, or what is assumed.
    pub(super) fn max_packet(&mut self, broker: &BrokerOptions, told: Option<usize>) -> usize {
        self.limit_told = told.is_some();
        let limit = told.unwrap_or(ASSUMED_MAX_PACKET);
        match &self.lowered {
            Some((name, lowered)) if *name == dial::name(broker) => limit.min(*lowered),
            _ => limit,
        }
    }

    /// Draws conclusions from how a connection ended, so that the next one does not end the same way. Returns the error,
    /// or what probably stands behind it.
    pub(super) fn learn(&mut self, error: SessionError, largest: usize, identity: &mut Identity) -> SessionError {
        self.suspect_size(&error, largest);
        if !matches!(error, SessionError::TakenOver) && self.short_sessions < SHORT_SESSIONS {
            return error;
        }
        self.short_sessions = 0;
        let fresh = client_id::random();
        tracing::error!(
            client_id = identity.client_id,
            fresh,
            "The broker keeps closing our session right after it begins. A second copy of Camera Herald probably uses \
             the same client id; stop one of them. This copy goes on with a fresh client id"
        );
        identity.client_id = fresh;
        SessionError::TakenOver
    }

    /// A broker that told no limit and closes twice on the same large message does not take it.
    fn suspect_size(&mut self, error: &SessionError, largest: usize) {
        let closed = matches!(error, SessionError::Broken(_) | SessionError::Io(_));
        let suspicious = closed && !self.limit_told && largest > SUSPICIOUS_SIZE;
        let told = match error {
            SessionError::PacketTooLarge { limit } => Some(limit.unwrap_or(largest.saturating_sub(1))),
            _ => None,
        };
        let learned = (suspicious && self.suspect == Some(largest)).then(|| largest.saturating_sub(1));
        self.suspect = suspicious.then_some(largest);
        if let (Some(limit), Some(broker)) = (told.or(learned), &self.broker) {
            let limit = limit.max(SMALLEST_LIMIT);
            tracing::warn!(
                bytes = largest,
                limit,
                "The broker does not take messages this large; larger ones are held back"
            );
            self.lowered = Some((dial::name(broker), limit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Ended {
        Ended::Lost { error: SessionError::Broken("closed".to_owned()), largest: 0 }
    }

    #[test]
    fn a_broker_that_restarts_often_is_not_waited_for_longer_and_longer() {
        let timing = Timing::default();
        let mut memory = Memory::new(&timing);
        for _ in 0..30 {
            memory.judge(Duration::from_secs(3), &timing, &lost());
            let pause = memory.pause(&Trouble::Broker(SessionError::HalfOpen));
            assert!(pause <= AFTER_A_LINK, "{pause:?}");
        }
        let longest = (0..200).map(|_| memory.pause(&Trouble::Broker(SessionError::HalfOpen))).max();
        assert!(longest > Some(AFTER_A_LINK), "tries that come to nothing wait longer");
    }
}
