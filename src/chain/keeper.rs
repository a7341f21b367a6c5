//! The task that keeps the chain true.
//!
//! In: the link, what is heard of Home Assistant, looks at the page. Out: the chain, what the Supervisor told, the link's history.
//! The Supervisor is asked only for a reason: at the start, when the link changes, when somebody looks, and every few minutes
//! while it is in trouble. While all is well nothing wakes up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::decide::{self, Answer, Facts, Trouble};
use super::{Chain, Kind, LinkHistory, Surroundings, history};
use crate::broker::LinkState;
use crate::homeassistant::Presence;
use crate::supervisor::{Client, SupervisorError};

/// From a good answer to the next question, however many reasons there are.
const GAP: Duration = Duration::from_secs(60);
/// The same, while no good answer is known.
const GAP_IN_TROUBLE: Duration = Duration::from_secs(5);
/// While the Supervisor is in trouble it is asked this often without any other reason.
const AGAIN: Duration = Duration::from_secs(180);

/// What the keeper goes by.
pub struct Sources {
    /// The Supervisor started us.
    pub app_mode: bool,
    /// The broker's address comes from the Supervisor's MQTT service.
    pub uses_service: bool,
    /// The Supervisor, in app mode.
    pub supervisor: Option<Client>,
    /// The link to the broker.
    pub link: watch::Receiver<LinkState>,
    /// What is heard of Home Assistant.
    pub presence: watch::Receiver<Presence>,
    /// Somebody looks at the page.
    pub looks: mpsc::Receiver<()>,
}

/// What the keeper tells.
#[derive(Debug, Clone)]
pub struct Told {
    /// The chain.
    pub chain: watch::Receiver<Chain>,
    /// What the Supervisor told.
    pub surroundings: watch::Receiver<Surroundings>,
    /// How the link changed.
    pub history: watch::Receiver<LinkHistory>,
}

/// The task.
pub struct Keeper {
    sources: Sources,
    answer: Answer,
    /// Of the link that was seen last.
    epoch: Option<u64>,
    asked_at: Option<Instant>,
    /// There is a reason to ask the Supervisor.
    wanted: bool,
    asking: JoinSet<Result<Surroundings, SupervisorError>>,
    chain: watch::Sender<Chain>,
    surroundings: watch::Sender<Surroundings>,
    history: watch::Sender<LinkHistory>,
}

impl Keeper {
    /// A keeper that knows nothing yet, and what it will tell.
    #[must_use]
    pub fn new(sources: Sources) -> (Self, Told) {
        let (chain, chain_seen) = watch::channel(decide::beginning(Timestamp::now()));
        let (surroundings, surroundings_seen) = watch::channel(Surroundings::default());
        let (history, history_seen) = watch::channel(LinkHistory::default());
        let answer = match (sources.app_mode, &sources.supervisor) {
            (true, None) => Answer::Trouble(Trouble {
                kind: Kind::Client,
                text: "the Supervisor cannot be asked: its address or our token makes no sense; restart the app"
                    .to_owned(),
                ours: true,
            }),
            _ => Answer::None,
        };
        let keeper = Self {
            wanted: sources.supervisor.is_some(),
            sources,
            answer,
            epoch: None,
            asked_at: None,
            asking: JoinSet::new(),
            chain,
            surroundings,
            history,
        };
        (keeper, Told { chain: chain_seen, surroundings: surroundings_seen, history: history_seen })
    }

    /// Keeps the chain until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        self.see_link();
        loop {
            let wake = self.keep_up();
            tokio::select! {
                () = stop.cancelled() => break,
                changed = self.sources.link.changed() => match changed {
                    Ok(()) => self.see_link(),
                    Err(_the_session_has_ended) => break,
                },
                Ok(()) = self.sources.presence.changed() => {}
                Some(()) = self.sources.looks.recv() => self.wanted |= self.sources.supervisor.is_some(),
                Some(told) = self.asking.join_next() => self.hear(told.ok()),
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            }
        }
        self.asking.shutdown().await;
    }

    fn see_link(&mut self) {
        let link = self.sources.link.borrow_and_update().clone();
        let turned = std::mem::replace(&mut self.epoch, link.epoch()) != link.epoch();
        self.history.send_if_modified(|history| history::add(history, &link, Timestamp::now()));
        let was_in_trouble = matches!(self.answer, Answer::Trouble(_));
        let heard = Answer::heard(&link);
        let still_in_trouble = matches!(heard, Some(Answer::Trouble(_)));
        // The link turned, or the Supervisor's trouble is over for the session: something has happened.
        let reason = turned || (was_in_trouble && !still_in_trouble);
        self.wanted |= reason && self.sources.supervisor.is_some();
        if let Some(heard) = heard {
            self.answer = heard;
        }
    }

    fn hear(&mut self, told: Option<Result<Surroundings, SupervisorError>>) {
        match told {
            Some(Ok(told)) => {
                self.answer = Answer::Good;
                self.surroundings.send_if_modified(|known| {
                    let news = *known != told;
                    *known = told;
                    news
                });
            }
            Some(Err(error)) => self.answer = Answer::of(&error),
            None => tracing::error!("A question to the Supervisor could not be asked"),
        }
    }

    /// Asks when it is time, publishes the chain when it changed, and says when there is something to do without news.
    fn keep_up(&mut self) -> Option<Instant> {
        let now = Timestamp::now();
        let ask_at = self.ask_at();
        if ask_at.is_some_and(|at| at <= Instant::now()) {
            self.ask();
        }
        let chain = self.decide(now);
        let too_long_at = decide::next_change(&chain).map(|at| Instant::now() + until(at.duration_since(now)));
        self.chain.send_if_modified(|known| {
            let news = *known != chain;
            *known = chain;
            news
        });
        [self.ask_at(), too_long_at].into_iter().flatten().min()
    }

    fn decide(&mut self, now: Timestamp) -> Chain {
        let presence = *self.sources.presence.borrow_and_update();
        let (surroundings, link) = (self.surroundings.borrow(), self.sources.link.borrow());
        let facts = Facts {
            app_mode: self.sources.app_mode,
            uses_service: self.sources.uses_service,
            supervisor: &self.answer,
            system: surroundings.system.as_ref(),
            link: &link,
            presence,
        };
        decide::decide(&self.chain.borrow(), &facts, now)
    }

    /// When the Supervisor is to be asked next; never while a question is open.
    fn ask_at(&self) -> Option<Instant> {
        if self.sources.supervisor.is_none() || !self.asking.is_empty() {
            return None;
        }
        let Some(asked_at) = self.asked_at else { return Some(Instant::now()) };
        let in_trouble = matches!(self.answer, Answer::Trouble(_));
        let knows = !in_trouble && self.surroundings.borrow().system.is_some();
        match (self.wanted, in_trouble) {
            (true, _) => Some(asked_at + if knows { GAP } else { GAP_IN_TROUBLE }),
            (false, true) => Some(asked_at + AGAIN),
            (false, false) => None,
        }
    }

    fn ask(&mut self) {
        let Some(client) = self.sources.supervisor.clone() else { return };
        self.wanted = false;
        self.asked_at = Some(Instant::now());
        self.asking.spawn(async move {
            let system = Some(client.info().await?);
            // Without it the page cannot tell whether the door for events is open; that is no trouble of the Supervisor's.
            let app = client.self_info().await.ok();
            Ok(Surroundings { system, app })
        });
    }
}

/// A little later, so that the moment is surely over.
fn until(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or_default() + Duration::from_millis(1)
}
