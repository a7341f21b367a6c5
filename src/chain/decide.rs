//! From what is known to the chain. Pure: the time is an argument.

use jiff::{SignedDuration, Timestamp};

use super::{Chain, Condition, Kind, Link, Part};
use crate::broker::{Cause, CauseKind, LinkState, Up};
use crate::homeassistant::Presence;
use crate::supervisor::{SupervisorError, SupervisorKind, SystemInfo};

/// Refused topics that are named.
const NAMED: usize = 4;

/// What the Supervisor said when it was asked last, by us or by the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was not asked yet.
    None,
    /// It answers.
    Good,
    /// It does not, or not well.
    Trouble(Trouble),
}

/// Why something does not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) kind: Kind,
    pub(super) text: String,
    /// Waiting is of no use.
    pub(super) ours: bool,
}

/// Everything that is known.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) app_mode: bool,
    /// The credentials come from the Supervisor's MQTT service.
    pub(super) uses_service: bool,
    pub(super) supervisor: &'a Answer,
    pub(super) system: Option<&'a SystemInfo>,
    pub(super) link: &'a LinkState,
    pub(super) presence: Presence,
}

/// How one part is, before it is compared with how it was.
struct Verdict {
    condition: Condition,
    kind: Option<Kind>,
    error: Option<String>,
    detail: Option<String>,
    /// When it became so, if somebody knows.
    since: Option<Timestamp>,
}

impl Answer {
    /// What an error means for the Supervisor itself. A service that is not there was told by a Supervisor that is.
    pub(super) fn of(error: &SupervisorError) -> Self {
        Self::to(error.kind(), error.to_string())
    }

    /// What the session heard from the Supervisor, if that is why the link is down.
    pub(super) fn heard(link: &LinkState) -> Option<Self> {
        match link {
            LinkState::Down { cause: Cause { kind: CauseKind::Supervisor(kind), text }, .. } => {
                Some(Self::to(*kind, text.clone()))
            }
            _ => None,
        }
    }

    fn to(kind: SupervisorKind, text: String) -> Self {
        match kind.is_about_the_service() {
            true => Self::Good,
            false => Self::Trouble(Trouble { kind: Kind::Supervisor(kind), text, ours: kind.needs_somebody() }),
        }
    }
}

/// The chain as it is now, given how it was.
pub(super) fn decide(before: &Chain, facts: &Facts<'_>, now: Timestamp) -> Chain {
    let verdicts = [supervisor(facts), mqtt_service(facts), broker(facts), home_assistant(facts)];
    let mut parts = Part::ALL.into_iter().zip(verdicts);
    Chain(std::array::from_fn(|at| {
        let (part, verdict) = parts.next().expect("there are as many verdicts as parts");
        link(part, verdict, &before.0[at], now)
    }))
}

/// Nothing is known.
pub(super) fn beginning(now: Timestamp) -> Chain {
    Chain(Part::ALL.map(|part| Link {
        part,
        condition: Condition::Unknown,
        since: now,
        kind: None,
        last_error: None,
        detail: None,
    }))
}

/// When waiting becomes too long for the first of the parts.
pub(super) fn next_change(chain: &Chain) -> Option<Timestamp> {
    let waiting = chain.0.iter().filter(|link| link.condition == Condition::Waiting);
    waiting.filter_map(|link| link.since.checked_add(patience(link.part)).ok()).min()
}

/// How long a part may be waited for before somebody should look. Updates of Supervisor and Home Assistant take minutes.
fn patience(part: Part) -> SignedDuration {
    match part {
        Part::MqttService | Part::Broker => SignedDuration::from_mins(2),
        Part::Supervisor | Part::HomeAssistant => SignedDuration::from_mins(10),
    }
}

fn link(part: Part, verdict: Verdict, before: &Link, now: Timestamp) -> Link {
    let since = match verdict.since {
        Some(since) => since,
        None if class(verdict.condition) == class(before.condition) => before.since,
        None => now,
    };
    let too_long = now.duration_since(since) >= patience(part);
    let condition =
        if verdict.condition == Condition::Waiting && too_long { Condition::Broken } else { verdict.condition };
    Link {
        part,
        condition,
        since,
        kind: verdict.kind,
        last_error: verdict.error.or_else(|| before.last_error.clone()),
        detail: verdict.detail.or_else(|| before.detail.clone()),
    }
}

/// Waiting that took too long is still the same trouble.
fn class(condition: Condition) -> Condition {
    if condition == Condition::Waiting { Condition::Broken } else { condition }
}

fn supervisor(facts: &Facts<'_>) -> Verdict {
    if !facts.app_mode {
        return Verdict::of(Condition::Unused);
    }
    let detail = facts.system.and_then(|system| system.supervisor.clone());
    match facts.supervisor {
        Answer::None => Verdict::of(Condition::Unknown),
        Answer::Good => Verdict { detail, ..Verdict::of(Condition::Good) },
        Answer::Trouble(trouble) => Verdict::trouble(trouble),
    }
}

fn mqtt_service(facts: &Facts<'_>) -> Verdict {
    if !facts.uses_service {
        return Verdict::of(Condition::Unused);
    }
    match facts.link {
        LinkState::Up(up) => Verdict { detail: Some(up.broker.clone()), ..Verdict::of(Condition::Good) },
        LinkState::Down { cause, .. } => match cause.kind {
            CauseKind::Broker(_) => Verdict::of(Condition::Good),
            CauseKind::Supervisor(kind) if kind.is_about_the_service() => Verdict::trouble(&Trouble {
                kind: Kind::Supervisor(kind),
                text: cause.text.clone(),
                ours: kind.needs_somebody(),
            }),
            CauseKind::Supervisor(_) | CauseKind::Starting | CauseKind::Stopped => Verdict::of(Condition::Unknown),
        },
    }
}

fn broker(facts: &Facts<'_>) -> Verdict {
    match facts.link {
        LinkState::Up(up) => connected(up),
        LinkState::Down { cause, since } => match cause.kind {
            CauseKind::Broker(kind) => Verdict {
                since: Some(*since),
                ..Verdict::trouble(&Trouble {
                    kind: Kind::Broker(kind),
                    text: cause.text.clone(),
                    ours: kind.needs_somebody(),
                })
            },
            CauseKind::Supervisor(_) | CauseKind::Starting | CauseKind::Stopped => Verdict::of(Condition::Unknown),
        },
    }
}

fn connected(up: &Up) -> Verdict {
    let detail = Some(format!("{}, MQTT {}", up.broker, up.protocol));
    let since = Some(up.since);
    if up.refused_topics.is_empty() {
        return Verdict { detail, since, error: up.last_error.clone(), ..Verdict::of(Condition::Good) };
    }
    let named: Vec<&str> = up.refused_topics.iter().take(NAMED).map(String::as_str).collect();
    let more = if up.refused_topics.len() > NAMED { " and more" } else { "" };
    let text = format!(
        "the broker's access rules forbid us to publish on {}{more}; allow it to Camera Herald's user",
        named.join(", ")
    );
    Verdict { detail, since, ..Verdict::trouble(&Trouble { kind: Kind::RefusedTopics, text, ours: true }) }
}

fn home_assistant(facts: &Facts<'_>) -> Verdict {
    let detail = facts.system.and_then(|system| system.homeassistant.clone());
    if facts.link.epoch().is_none() {
        return Verdict { detail, kind: Some(Kind::NoBroker), ..Verdict::of(Condition::Unknown) };
    }
    match facts.presence {
        Presence::Unknown => Verdict { detail, kind: Some(Kind::NotHeard), ..Verdict::of(Condition::Unknown) },
        Presence::Here { since, .. } => Verdict { detail, since: Some(since), ..Verdict::of(Condition::Good) },
        Presence::Gone { since } => {
            let text =
                "Home Assistant left the broker: it is restarting, was stopped, or its MQTT integration was removed";
            let trouble = Trouble { kind: Kind::Gone, text: text.to_owned(), ours: false };
            Verdict { detail, since: Some(since), ..Verdict::trouble(&trouble) }
        }
    }
}

impl Verdict {
    fn of(condition: Condition) -> Self {
        Self { condition, kind: None, error: None, detail: None, since: None }
    }

    fn trouble(trouble: &Trouble) -> Self {
        let condition = if trouble.ours { Condition::Broken } else { Condition::Waiting };
        Self { condition, kind: Some(trouble.kind), error: Some(trouble.text.clone()), detail: None, since: None }
    }
}

#[cfg(test)]
mod tests;
