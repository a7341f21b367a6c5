//! How a camera looks at a glance: a word, a sign and a colour that always go together. Pure.

use super::words::{Advice, Words};
use crate::camera::{Camera, CameraState, Status};

/// How much somebody has to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tone {
    /// Nothing.
    Good,
    /// Nothing, and there is nothing to be proud of.
    Idle,
    /// Wait.
    Wait,
    /// Something.
    Bad,
}

impl Tone {
    /// The class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Idle => "idle",
            Self::Wait => "wait",
            Self::Bad => "bad",
        }
    }
}

/// How a camera looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) tone: Tone,
    /// The sign's name in the sprite.
    pub(super) sign: &'static str,
    /// The status as filters know it: that of the topics, or `events_only`.
    pub(super) key: &'static str,
    /// The status in words.
    pub(super) label: &'static str,
    /// What is wrong, and the next step.
    pub(super) advice: Option<Advice>,
    /// The probe's own sentence.
    pub(super) exact: Option<String>,
}

/// The key of cameras that nothing is looked at of.
pub(super) const EVENTS_ONLY: &str = "events_only";

impl Look {
    pub(super) fn new(camera: &Camera, state: Option<&CameraState>, words: &Words) -> Self {
        let status = state.map_or(Status::Unknown, |state| state.status);
        if status == Status::Unknown && camera.is_push_only() {
            let label = words.events_only;
            return Self { tone: Tone::Idle, sign: "bell", key: EVENTS_ONLY, label, advice: None, exact: None };
        }
        let (tone, sign) = sign(status);
        let reason = state.and_then(|state| state.reason);
        Self {
            tone,
            sign,
            key: status.as_str(),
            label: if status == Status::Unknown { words.not_looked_yet } else { (words.status)(status) },
            advice: reason.map(words.reason),
            exact: state.and_then(|state| state.detail.as_deref()).map(str::to_owned),
        }
    }
}

fn sign(status: Status) -> (Tone, &'static str) {
    match status {
        Status::Online => (Tone::Good, "check"),
        Status::Unknown => (Tone::Wait, "wait"),
        Status::Offline => (Tone::Bad, "cross"),
        Status::Unauthorized => (Tone::Bad, "lock"),
        Status::NoVideo => (Tone::Bad, "no-video"),
        Status::Frozen => (Tone::Bad, "frozen"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_statuses_have_the_same_sign() {
        let signs: BTreeSet<_> = Status::ALL.map(|status| sign(status).1).into_iter().collect();
        assert_eq!(signs.len(), Status::ALL.len());
    }

    #[test]
    fn only_online_is_good() {
        for status in Status::ALL {
            assert_eq!(sign(status).0 == Tone::Good, status == Status::Online);
        }
    }
}
