//! From reports to a status: pure, time is an argument.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{CameraId, Reason, Sighting};

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
    /// Since when it has this status.
    pub since: Timestamp,
    /// What the last good probe saw.
    pub sighting: Option<Sighting>,
    /// When the last good probe ended.
    pub last_frame_at: Option<Timestamp>,
}

/// The state of every camera of the inventory.
pub type Statuses = BTreeMap<CameraId, CameraState>;
