//! The chain as the page shows it. Pure.

use super::look::Tone;
use super::when::When;
use super::words::{Advice, Words};
use crate::chain::{Chain, Condition, Kind, Link, Part};

/// One station of the chain.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Station {
    pub(super) part: Part,
    pub(super) tone: Tone,
    /// The part's sign in the sprite.
    pub(super) sign: &'static str,
    /// The condition's sign.
    pub(super) badge: &'static str,
    pub(super) name: &'static str,
    pub(super) state: &'static str,
    pub(super) since: Option<When>,
    pub(super) detail: Option<String>,
    /// What was wrong before all was good again.
    pub(super) past_error: Option<String>,
    /// What is wrong now.
    pub(super) trouble: Option<Trouble>,
}

/// What is wrong with a station.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trouble {
    pub(super) advice: Advice,
    pub(super) exact: Option<String>,
}

/// The stations, from left to right.
pub(super) fn stations(chain: &Chain, words: &'static Words) -> Vec<Station> {
    chain.0.iter().map(|link| Station::new(link, words)).collect()
}

impl Station {
    fn new(link: &Link, words: &'static Words) -> Self {
        let (tone, badge) = match link.condition {
            Condition::Good => (Tone::Good, "check"),
            // It was told everything; whether it listens is only heard when it says something.
            Condition::Unknown if link.kind == Some(Kind::NotHeard) => (Tone::Idle, "wait"),
            Condition::Unknown | Condition::Waiting => (Tone::Wait, "wait"),
            Condition::Broken => (Tone::Bad, "cross"),
            Condition::Unused => (Tone::Idle, "dash"),
        };
        let state = match link.kind {
            Some(Kind::NoBroker) => words.out_of_reach,
            _ => (words.condition)(link.part, link.condition),
        };
        Self {
            part: link.part,
            tone,
            sign: match link.part {
                Part::Supervisor => "supervisor",
                Part::MqttService => "service",
                Part::Broker => "broker",
                Part::HomeAssistant => "home",
            },
            badge,
            name: (words.part)(link.part),
            state,
            since: (tone != Tone::Idle).then(|| When::new(link.since)),
            detail: link.detail.clone(),
            past_error: link.last_error.clone().filter(|_| link.condition == Condition::Good),
            trouble: trouble(link, words),
        }
    }
}

fn trouble(link: &Link, words: &Words) -> Option<Trouble> {
    if !matches!(link.condition, Condition::Waiting | Condition::Broken) {
        return None;
    }
    Some(Trouble { advice: (words.cause)(link.kind?), exact: link.last_error.clone() })
}
