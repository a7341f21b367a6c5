//! From reports to a status: pure, time is an argument.
//!
//! In: the inventory and reports. Out: the state of every camera, and what changed. Invariant: one good probe makes a
//! camera online, and no single failed probe changes what anybody sees.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::decoding::{Decoding, Doubt};
use super::stillness::Stillness;
use super::{CameraId, Failure, Inventory, Reason, Report, Shown, Sighting, Spoiled};

/// What Home Assistant shows about a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not probed yet, or a push-only camera.
    #[default]
    Unknown,
    /// The last probe saw a picture.
    Online,
    /// Nothing answers.
    Offline,
    /// It answers, but refuses the user name or password.
    Unauthorized,
    /// The session opens, but no frame comes.
    NoVideo,
    /// The picture stands still.
    Frozen,
}

impl Status {
    /// Every status, in the order in which Home Assistant lists them.
    pub const ALL: [Self; 6] =
        [Self::Online, Self::Offline, Self::Unauthorized, Self::NoVideo, Self::Frozen, Self::Unknown];

    /// The status with this text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// The text in topics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Unauthorized => "unauthorized",
            Self::NoVideo => "no_video",
            Self::Frozen => "frozen",
        }
    }
}

/// The status of one camera and what is known about its stream.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraState {
    /// The status.
    pub status: Status,
    /// Why it is not online.
    pub reason: Option<Reason>,
    /// The sentence that belongs to the reason: what happened and what to do. Holds no secret.
    pub detail: Option<Arc<str>>,
    /// Since when it has this status.
    pub since: Timestamp,
    /// What the last good probe saw.
    pub sighting: Option<Sighting>,
    /// When the last good probe ended.
    pub last_frame_at: Option<Timestamp>,
}

/// The state of every camera of the inventory.
pub type Statuses = BTreeMap<CameraId, CameraState>;

/// A camera's status has changed, for the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which camera.
    pub camera: CameraId,
    /// Its name.
    pub name: String,
    /// What it was.
    pub before: Status,
    /// What it is.
    pub status: Status,
    /// Why it is not online.
    pub failure: Option<Failure>,
}

/// All cameras and what their probes have shown.
///
/// A good probe is believed at once, a failed one when the next one fails too. When everything fails together, the
/// cause is more likely on our side (a switch restarts, Wi-Fi drops), and one more failure is needed.
#[derive(Debug, Default)]
pub struct Fleet(BTreeMap<CameraId, Member>);

#[derive(Debug)]
struct Member {
    name: String,
    check_every: SignedDuration,
    state: CameraState,
    streak: Option<Streak>,
    stillness: Stillness,
    decoding: Decoding,
}

/// Failed probes in a row.
#[derive(Debug, Clone, Copy)]
struct Streak {
    failures: u32,
    since: Timestamp,
    /// The camera was online when they began.
    from_online: bool,
}

/// How many failed probes in a row are believed.
const BELIEVED: u32 = 2;
/// The same, when every camera that was online fails within one interval.
const BELIEVED_WHEN_ALL_FAIL: u32 = 3;

impl Fleet {
    /// Takes over a new inventory: new cameras are unknown, removed ones are forgotten, and so is what is known about
    /// a camera that nothing is left to probe of.
    pub fn set_inventory(&mut self, inventory: &Inventory, now: Timestamp) {
        let mut before = std::mem::take(&mut self.0);
        for camera in inventory {
            let push_only = camera.stream.is_none() && camera.snapshot.is_none();
            let kept = before.remove(&camera.id).filter(|member| !push_only || member.state.status == Status::Unknown);
            let (state, streak, stillness, decoding) = kept.map_or_else(
                || (CameraState::unknown(now), None, Stillness::default(), Decoding::default()),
                |member| (member.state, member.streak, member.stillness, member.decoding),
            );
            let check_every = SignedDuration::try_from(camera.check_every).unwrap_or(SignedDuration::MAX);
            let name = camera.name.clone();
            self.0.insert(camera.id.clone(), Member { name, check_every, state, streak, stillness, decoding });
        }
    }

    /// Takes note of a report. A report about a camera that is not in the inventory is dropped.
    pub fn observe(&mut self, report: &Report) -> Option<Change> {
        let before = self.0.get(&report.camera)?.state.status;
        let failure = match &report.outcome {
            Ok(sighting) => self.0.get_mut(&report.camera)?.see(sighting, report.at),
            Err(failure) => {
                self.doubt(&report.camera, failure, report.at)?;
                Some(failure.clone())
            }
        };
        let member = self.0.get(&report.camera)?;
        (member.state.status != before).then(|| Change {
            camera: report.camera.clone(),
            name: member.name.clone(),
            before,
            status: member.state.status,
            failure,
        })
    }

    /// The state of one camera.
    #[must_use]
    pub fn state(&self, id: &CameraId) -> Option<&CameraState> {
        self.0.get(id).map(|member| &member.state)
    }

    /// The state of every camera.
    #[must_use]
    pub fn statuses(&self) -> Statuses {
        self.0.iter().map(|(id, member)| (id.clone(), member.state.clone())).collect()
    }

    fn doubt(&mut self, id: &CameraId, failure: &Failure, at: Timestamp) -> Option<()> {
        let failures = self.0.get_mut(id)?.count_failure(at);
        let all_fail = self.all_fail(at);
        let member = self.0.get_mut(id)?;
        if failures >= if all_fail { BELIEVED_WHEN_ALL_FAIL } else { BELIEVED } {
            member.believe(failure, at);
        }
        Some(())
    }

    /// Whether every camera that was online has begun to fail within one interval of its own.
    fn all_fail(&self, now: Timestamp) -> bool {
        let mut failing = 0;
        for member in self.0.values() {
            match member.streak {
                Some(streak) if streak.from_online && now.duration_since(streak.since) <= member.check_every => {
                    failing += 1
                }
                _ if member.state.status == Status::Online => return false,
                _ => {}
            }
        }
        failing >= 2
    }
}

impl Member {
    /// Takes over what was seen; a picture that stands still is a failure of its own.
    fn see(&mut self, sighting: &Sighting, at: Timestamp) -> Option<Failure> {
        self.streak = None;
        self.state.last_frame_at = Some(at);
        self.state.sighting = Some(sighting.without_picture(self.state.sighting.as_ref()));
        let still_since = match &sighting.picture {
            Shown::Made(picture) => {
                self.decoding.succeeded();
                self.stillness.observe(&picture.print, at)
            }
            Shown::Spoiled(spoiled) => match self.decoding.failed(spoiled.undecodable) {
                Some(doubt) => return self.doubt_pictures(doubt, spoiled, at),
                // That no picture could be made does not show that anything moves again.
                None if self.state.status == Status::Frozen => return None,
                None => None,
            },
            Shown::Elsewhere => None,
        };
        let Some(since) = still_since else {
            self.enter(Status::Online, at);
            self.state.reason = None;
            self.state.detail = None;
            return None;
        };
        let minutes = at.duration_since(since).as_mins();
        let frozen = Failure::new(
            Reason::SamePicture,
            format!("The stream flows, but its picture has not changed for {minutes} min: restart the camera"),
        );
        // Said once: the sentence stays what it was when the camera froze.
        if self.state.status != Status::Frozen {
            self.believe(&frozen, at);
        }
        Some(frozen)
    }

    /// Frames flow, but none was ever a picture: at first nothing is said, then that.
    fn doubt_pictures(&mut self, doubt: Doubt, spoiled: &Spoiled, at: Timestamp) -> Option<Failure> {
        let failure = (doubt == Doubt::Certain).then(|| Failure::new(Reason::NoFrames, spoiled.advice.as_ref()))?;
        if self.state.status != Status::NoVideo {
            self.believe(&failure, at);
        }
        Some(failure)
    }

    fn count_failure(&mut self, at: Timestamp) -> u32 {
        let from_online = self.state.status == Status::Online;
        self.stillness.forget();
        let streak = self.streak.get_or_insert(Streak { failures: 0, since: at, from_online });
        streak.failures = streak.failures.saturating_add(1);
        streak.failures
    }

    fn believe(&mut self, failure: &Failure, at: Timestamp) {
        self.enter(Status::of(failure.reason), at);
        if self.state.detail.as_deref() != Some(&failure.detail) {
            self.state.detail = Some(failure.detail.as_str().into());
        }
        self.state.reason = Some(failure.reason);
    }

    fn enter(&mut self, status: Status, at: Timestamp) {
        if self.state.status != status {
            self.state.status = status;
            self.state.since = at;
        }
    }
}

impl CameraState {
    /// The state of a camera that has not been probed.
    #[must_use]
    pub fn unknown(since: Timestamp) -> Self {
        Self { status: Status::Unknown, reason: None, detail: None, since, sighting: None, last_frame_at: None }
    }
}

impl Status {
    /// What a believed failure means.
    fn of(reason: Reason) -> Self {
        match reason {
            Reason::Auth => Self::Unauthorized,
            Reason::NoFrames => Self::NoVideo,
            Reason::SamePicture => Self::Frozen,
            Reason::Dns
            | Reason::Refused
            | Reason::Unreachable
            | Reason::Timeout
            | Reason::Tls
            | Reason::NotFound
            | Reason::Protocol => Self::Offline,
        }
    }
}

#[cfg(test)]
mod tests;
