//! From what is known to the chain. Pure: the time is an argument.

use jiff::{SignedDuration, Timestamp};

use super::{Chain, Condition, Link, Part};
use crate::broker::{Cause, LinkState, Place, Up};
use crate::homeassistant::Presence;
use crate::supervisor::{Patience, SupervisorError, SystemInfo};

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
    pub(super) kind: &'static str,
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
    kind: Option<&'static str>,
    error: Option<String>,
    detail: Option<String>,
    /// When it became so, if somebody knows.
    since: Option<Timestamp>,
}

impl Answer {
    /// What an error means for the Supervisor itself. A service that is not there was told by a Supervisor that is.
    pub(super) fn of(error: &SupervisorError) -> Self {
        if is_about_the_service(error.kind()) {
            return Self::Good;
        }
        let ours = error.patience() == Patience::Slow
            || matches!(
                error,
                SupervisorError::NotJson | SupervisorError::Malformed { .. } | SupervisorError::Unexpected { .. }
            );
        Self::Trouble(Trouble { kind: error.kind(), text: error.to_string(), ours })
    }

    /// What the session heard from the Supervisor, if that is why the link is down.
    pub(super) fn heard(link: &LinkState) -> Option<Self> {
        match link {
            LinkState::Down { cause, .. } if cause.place == Place::Supervisor => {
                Some(if is_about_the_service(cause.kind) {
                    Self::Good
                } else {
                    let ours = matches!(cause.kind, "token_refused" | "not_json" | "malformed" | "unexpected");
                    Self::Trouble(Trouble { kind: cause.kind, text: cause.text.clone(), ours })
                })
            }
            _ => None,
        }
    }
}

fn is_about_the_service(kind: &str) -> bool {
    matches!(kind, "service_not_enabled" | "no_access")
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
        LinkState::Down { cause, .. } => match cause.place {
            Place::Broker => Verdict::of(Condition::Good),
            Place::Supervisor if is_about_the_service(cause.kind) => Verdict::trouble(&Trouble {
                kind: cause.kind,
                text: cause.text.clone(),
                ours: cause.kind == "no_access",
            }),
            Place::Supervisor | Place::Here => Verdict::of(Condition::Unknown),
        },
    }
}

fn broker(facts: &Facts<'_>) -> Verdict {
    match facts.link {
        LinkState::Up(up) => connected(up),
        LinkState::Down { cause, since } => match cause.place {
            Place::Broker => Verdict {
                since: Some(*since),
                ..Verdict::trouble(&Trouble { kind: cause.kind, text: cause.text.clone(), ours: needs_somebody(cause) })
            },
            Place::Supervisor | Place::Here => Verdict::of(Condition::Unknown),
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
    Verdict { detail, since, ..Verdict::trouble(&Trouble { kind: "refused_topics", text, ours: true }) }
}

fn needs_somebody(cause: &Cause) -> bool {
    matches!(cause.kind, "auth" | "broker_refused" | "protocol" | "tls" | "taken_over")
}

fn home_assistant(facts: &Facts<'_>) -> Verdict {
    let detail = facts.system.and_then(|system| system.homeassistant.clone());
    if facts.link.epoch().is_none() {
        return Verdict { detail, kind: Some("no_broker"), ..Verdict::of(Condition::Unknown) };
    }
    match facts.presence {
        Presence::Unknown => Verdict { detail, kind: Some("not_heard"), ..Verdict::of(Condition::Unknown) },
        Presence::Here { since, .. } => Verdict { detail, since: Some(since), ..Verdict::of(Condition::Good) },
        Presence::Gone { since } => {
            let text =
                "Home Assistant left the broker: it is restarting, was stopped, or its MQTT integration was removed";
            let trouble = Trouble { kind: "gone", text: text.to_owned(), ours: false };
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
