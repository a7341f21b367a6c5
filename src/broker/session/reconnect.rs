//! How a session connects again: what it keeps from one connection to the next, what it concludes from how they ended, and how long it
//! waits. Pure but for the question that it carries along.

use std::time::Duration;

use super::allowance::Allowances;
use super::closures::EarlyClosures;
use super::connection::Ended;
use super::dial;
use super::error::SessionError;
use super::question::{Answer, Question};
use super::witness::Witness;
use crate::backoff::Backoff;
use crate::broker::cause::Cause;
use crate::broker::settings::{Identity, Timing};
use crate::broker::{ASSUMED_MAX_PACKET, client_id};
use crate::options::BrokerOptions;
use crate::supervisor::{Patience, SupervisorError};

/// A message larger than this may be why a broker that tells no limit closed the connection.
const SUSPICIOUS_SIZE: usize = 64 * 1024;
/// No conclusion about a broker goes below this: availability and events always go out.
const SMALLEST_LIMIT: usize = 1_024;

/// A link that was up this long was of use, though it may not have been a good one.
const SERVED: Duration = Duration::from_secs(1);
/// The longest wait right after such a link. A broker that restarts is back at once, however often it did so before.
const AFTER_A_LINK: Duration = Duration::from_secs(2);

/// What is kept from one connection to the next.
pub(super) struct Reconnect {
    pub(super) epoch: u64,
    pub(super) broker: Option<BrokerOptions>,
    pub(super) allowances: Allowances,
    pub(super) question: Question,
    /// Ask the source again before the next try.
    pub(super) ask: bool,
    pub(super) last_error: Option<String>,
    pub(super) closed_early: EarlyClosures,
    pub(super) witness: Witness,
    /// A witness saw that somebody else uses our client id.
    taken_over: bool,
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

/// Why there is no link, and so what to wait for.
pub(super) enum LinkError {
    Supervisor(SupervisorError),
    Broker(SessionError),
}

impl LinkError {
    pub(super) fn cause(&self) -> Cause {
        match self {
            Self::Supervisor(error) => Cause::from(error),
            Self::Broker(error) => error.cause(),
        }
    }
}

impl Reconnect {
    pub(super) fn new(timing: &Timing) -> Self {
        let supervisor_longest = Duration::from_secs(5).min(timing.longest_wait);
        Self {
            epoch: 0,
            broker: None,
            allowances: Allowances::default(),
            question: Question::default(),
            ask: true,
            last_error: None,
            closed_early: EarlyClosures::default(),
            witness: Witness::default(),
            taken_over: false,
            served: false,
            limit_told: false,
            suspect: None,
            lowered: None,
            wait: Backoff::new(timing.first_wait, timing.longest_wait),
            supervisor_wait: Backoff::new(timing.first_wait, supervisor_longest),
            slow_wait: Backoff::new(timing.longest_wait, timing.longest_wait * 2),
        }
    }

    /// What the source said when nothing was known.
    pub(super) fn first(&mut self, answer: Answer) -> Result<(), SupervisorError> {
        self.broker = Some(answer?);
        self.ask = false;
        self.supervisor_wait.reset();
        Ok(())
    }

    /// What the source said while the known credentials wait for their next try. Returns whether there is something else to try.
    pub(super) fn hear(&mut self, answer: Answer) -> bool {
        match answer {
            Ok(told) if self.broker.as_ref() != Some(&told) => {
                self.broker = Some(told);
                self.ask = false;
                true
            }
            Err(SupervisorError::ServiceNotEnabled) => {
                self.broker = None;
                false
            }
            // The broker may be fine while the Supervisor restarts.
            Ok(_) | Err(_) => false,
        }
    }

    pub(super) fn pause(&mut self, error: &LinkError) -> Duration {
        let backoff = match error {
            LinkError::Broker(_) => &mut self.wait,
            LinkError::Supervisor(error) if error.patience() == Patience::Slow => &mut self.slow_wait,
            LinkError::Supervisor(_) => &mut self.supervisor_wait,
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
        let closed_early = closed && lived < timing.keep_alive;
        self.closed_early.see(closed_early, lived >= timing.settled);
        self.taken_over = closed_early && self.witness.see_closure();
    }

    /// No connection came to be: what was known of the broker may not hold any more.
    pub(super) fn not_opened(&mut self) {
        self.ask = true;
        self.allowances.forget();
        // Somebody whose session is taken over finds a broker that lets him in each time.
        self.forget_closures();
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

    /// Draws conclusions from how a connection ended, so that the next one does not end the same way. Returns the error, or what stands
    /// behind it.
    pub(super) fn learn(&mut self, error: SessionError, largest: usize, identity: &mut Identity) -> SessionError {
        self.suspect_size(&error, largest);
        if !matches!(error, SessionError::TakenOver) && !self.taken_over {
            return error;
        }
        self.taken_over = false;
        self.forget_closures();
        let fresh = client_id::random();
        tracing::error!(
            client_id = identity.client_id,
            fresh,
            "Another client takes over our session: a second copy of Camera Herald runs with the same client id; stop one of \
             them. This copy goes on with a fresh client id"
        );
        identity.client_id = fresh;
        SessionError::TakenOver
    }

    fn forget_closures(&mut self) {
        self.closed_early = EarlyClosures::default();
        self.witness = Witness::default();
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
        let mut reconnect = Reconnect::new(&timing);
        for _ in 0..30 {
            reconnect.judge(Duration::from_secs(3), &timing, &lost());
            let pause = reconnect.pause(&LinkError::Broker(SessionError::HalfOpen));
            assert!(pause <= AFTER_A_LINK, "{pause:?}");
        }
        let longest = (0..200).map(|_| reconnect.pause(&LinkError::Broker(SessionError::HalfOpen))).max();
        assert!(longest > Some(AFTER_A_LINK), "tries that come to nothing wait longer");
    }
}
