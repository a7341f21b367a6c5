//! What one probe measured. A report states facts; whether a camera is offline is decided in [`super::status`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::CameraId;
use crate::picture::Print;

/// The result of one probe of one camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Which camera was probed.
    pub camera: CameraId,
    /// When the probe ended.
    pub at: Timestamp,
    /// What was seen, or why nothing was.
    pub outcome: Result<Sighting, Failure>,
}

/// What the newest probe of a camera came to.
#[derive(Debug, Clone, PartialEq)]
pub struct LastProbe {
    /// When it ended.
    pub at: Timestamp,
    /// How long it took to the first picture, or why there was none. A single failure changes no status.
    pub outcome: Result<Duration, Failure>,
}

/// The newest probe of every camera that had one. Travels by a watch channel, which changes with each probe.
pub type LastProbes = BTreeMap<CameraId, LastProbe>;

impl LastProbe {
    /// What a report says.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let outcome = report.outcome.as_ref().map(|seen| seen.latency).map_err(Failure::clone);
        Self { at: report.at, outcome }
    }
}

/// A camera was seen: a decodable key frame came, or a real image.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sighting {
    /// `h264`, `h265`, `jpeg`, `png`.
    pub codec: Option<String>,
    /// Width and height in pixels.
    pub resolution: Option<(u32, u32)>,
    /// Frames a second over the probe's short look, else as the stream declares them.
    pub fps: Option<f32>,
    /// Bits a second over the probe's short look, without the key frame that it began with.
    pub bitrate: Option<u64>,
    /// From the start of the probe to the first key frame, or to the end of the image.
    pub latency: Duration,
    /// What became of the picture itself.
    pub picture: Shown,
}

/// What became of the picture of a camera that was seen.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Shown {
    /// It is not kept here.
    #[default]
    Elsewhere,
    /// It was made.
    Made(Arc<Glimpse>),
    /// It could not be made.
    Spoiled(Spoiled),
}

/// A picture that could not be made although frames flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoiled {
    /// What came is no picture at all: broken, encrypted, noise. Else it is one that cannot be shown here.
    pub undecodable: bool,
    /// Why, and what to do: one sentence without secrets.
    pub advice: Arc<str>,
}

impl Sighting {
    /// The picture, if it was made.
    #[must_use]
    pub fn glimpse(&self) -> Option<&Arc<Glimpse>> {
        match &self.picture {
            Shown::Made(glimpse) => Some(glimpse),
            _ => None,
        }
    }

    /// Why there is no picture although frames flow, and what to do.
    #[must_use]
    pub fn obstacle(&self) -> Option<&Arc<str>> {
        match &self.picture {
            Shown::Spoiled(spoiled) => Some(&spoiled.advice),
            _ => None,
        }
    }

    /// What is to be remembered: all but the picture, and with the figures that were measured before when this probe has none.
    #[must_use]
    pub fn without_picture(&self, before: Option<&Self>) -> Self {
        let before = before.filter(|before| before.codec == self.codec && before.resolution == self.resolution);
        // One advice until there is a picture: a stream that nobody can decode fails in several ways in turn.
        let earlier = before.map(|before| &before.picture).filter(|shown| matches!(shown, Shown::Spoiled(_)));
        let picture = match &self.picture {
            Shown::Spoiled(spoiled) => earlier.cloned().unwrap_or_else(|| Shown::Spoiled(spoiled.clone())),
            _ => Shown::Elsewhere,
        };
        Self {
            picture,
            fps: self.fps.or(before.and_then(|before| before.fps)),
            bitrate: self.bitrate.or(before.and_then(|before| before.bitrate)),
            ..self.clone()
        }
    }
}

/// What the camera looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Glimpse {
    /// A JPEG that fits.
    pub jpeg: Bytes,
    /// Of the stream's key frame where it can be decoded, else of the snapshot.
    pub print: Arc<Print>,
}

/// A probe that did not see a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The cause, for the status and the automations on it.
    pub reason: Reason,
    /// One sentence for the log and the page: what happened and what to do. Holds no secret.
    pub detail: String,
}

/// The longest sentence about a camera, in characters.
const LONGEST: usize = 300;

impl Failure {
    /// What a camera sends may stand in the sentence: here it loses what would forge a line in the log or turn the text around on the page.
    pub(in crate::camera) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: presentable(&detail.into(), LONGEST) }
    }
}

/// So many characters of a text, each of which shows: no control, no change of direction, no other separator than a space.
pub(in crate::camera) fn presentable(text: &str, most: usize) -> String {
    let shows = |letter: &char| {
        !letter.is_control()
            && !matches!(letter, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let shown = text.chars().filter(shows);
    let mut cut: String = shown.clone().take(most).collect();
    if shown.count() > most {
        cut.pop();
        cut.push('…');
    }
    cut
}

/// Why a probe failed. The texts are part of the topics' contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The host name does not resolve.
    Dns,
    /// Nothing listens on the port.
    Refused,
    /// No route, or nobody has the address.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// The TLS handshake failed.
    Tls,
    /// Wrong user name or password.
    Auth,
    /// The camera does not know the path.
    NotFound,
    /// The answer was not understood.
    Protocol,
    /// The session opens but no key frame comes.
    NoFrames,
    /// The picture does not change.
    SamePicture,
}

impl Reason {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 10] = [
        Self::Dns,
        Self::Refused,
        Self::Unreachable,
        Self::Timeout,
        Self::Tls,
        Self::Auth,
        Self::NotFound,
        Self::Protocol,
        Self::NoFrames,
        Self::SamePicture,
    ];

    /// The reason with this text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    /// The text in topics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::NotFound => "not_found",
            Self::Protocol => "protocol",
            Self::NoFrames => "no_frames",
            Self::SamePicture => "same_picture",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_camera_sends_forges_no_line_and_fills_no_page() {
        for (said, shown) in [
            ("evil\r2026-11-25T00:00:00Z ERROR forged", "evil2026-11-25T00:00:00Z ERROR forged"),
            ("evil\u{202e}gnp.\u{2028}next\u{1b}[31m\u{9b}\u{0}", "evilgnp.next[31m"),
            ("Türkamera <b>", "Türkamera <b>"),
        ] {
            assert_eq!(Failure::new(Reason::Protocol, said).detail, shown);
        }
        let long = Failure::new(Reason::Protocol, "A".repeat(2_000_000)).detail;
        assert_eq!((long.chars().count(), long.ends_with('…')), (LONGEST, true));
    }

    #[test]
    fn figures_stay_until_they_are_measured_again_or_the_stream_is_another() {
        let seen = |codec: &str, fps| Sighting {
            codec: Some(codec.to_owned()),
            fps,
            bitrate: fps.map(|_| 1),
            ..Sighting::default()
        };
        let measured = seen("h264", Some(25.0));
        assert_eq!(seen("h264", None).without_picture(Some(&measured)), measured);
        assert_eq!(seen("h264", Some(10.0)).without_picture(Some(&measured)).fps, Some(10.0));
        assert_eq!(seen("h265", None).without_picture(Some(&measured)).fps, None);
    }
}
