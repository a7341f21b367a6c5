//! Whether a camera is being heard: what its own events' subscription comes to. Words only.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{CameraId, Failure, Reason};

/// How the subscription to a camera's own events is. The texts are part of the topics' contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hearing {
    /// Not asked yet.
    Unknown,
    /// What the camera tells arrives.
    Listening,
    /// The subscription stands, but the camera does not tell even what it is asked to tell.
    Silent,
    /// Other programs hold all the camera's places for listeners.
    Busy,
    /// The camera does not let us in.
    Refused,
    /// The camera has no events to give.
    NotOffered,
    /// The camera does not answer, or not in a way that is understood.
    Lost,
    /// Switched off in the options.
    Off,
}

impl Hearing {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Unknown,
        Self::Listening,
        Self::Silent,
        Self::Busy,
        Self::Refused,
        Self::NotOffered,
        Self::Lost,
        Self::Off,
    ];

    /// The text in topics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Listening => "listening",
            Self::Silent => "silent",
            Self::Busy => "busy",
            Self::Refused => "refused",
            Self::NotOffered => "not_offered",
            Self::Lost => "lost",
            Self::Off => "off",
        }
    }
}

/// What is known of one camera's subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct HearingState {
    /// How it is.
    pub hearing: Hearing,
    /// Why it is not `listening`, where a probe would say the same.
    pub reason: Option<Reason>,
    /// One sentence: what happened and what to do. Holds no secret.
    pub detail: Option<String>,
    /// Since when it is so.
    pub since: Timestamp,
    /// Topics of the camera that we do not know, and how often each came since the start.
    pub unknown: BTreeMap<String, u64>,
}

/// The state of every camera that has a host. Travels by a watch channel.
pub type Hearings = BTreeMap<CameraId, HearingState>;

impl HearingState {
    /// Nothing is known yet, since now.
    #[must_use]
    pub fn new(hearing: Hearing, since: Timestamp) -> Self {
        Self { hearing, reason: None, detail: None, since, unknown: BTreeMap::new() }
    }

    /// Takes over a new word; `true` if anything is different. `since` moves only when the hearing or its reason does.
    pub fn become_(&mut self, hearing: Hearing, failure: Option<&Failure>, now: Timestamp) -> bool {
        let reason = failure.map(|failure| failure.reason);
        let detail = failure.map(|failure| failure.detail.clone());
        if (self.hearing, self.reason) != (hearing, reason) {
            self.since = now;
        } else if self.detail == detail {
            return false;
        }
        (self.hearing, self.reason, self.detail) = (hearing, reason, detail);
        true
    }
}
