//! An event as a detector or a camera tells it: words only.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::camera::CameraId;

/// One event of one camera, decoded and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Whose event it is.
    pub camera: CameraId,
    /// The sender's id, or one that we drew. With the camera it tells a repetition from news.
    pub event_id: String,
    /// When it happened, by the sender's clock; when it came, if the sender does not say.
    pub timestamp: Timestamp,
    /// When it came to us.
    pub received: Timestamp,
    /// What was seen.
    pub kind: EventKind,
    /// What was seen, in words.
    pub description: Option<String>,
    /// Every field of the message as it was sent, the unknown ones too; without the picture.
    pub fields: Map<String, Value>,
    /// A JPEG.
    pub picture: Option<Bytes>,
}

/// What was seen. The texts are the event types of Home Assistant's event entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// Something moved.
    Motion,
    /// Somebody.
    Person,
    /// A car, a bicycle …
    Vehicle,
    /// A parcel.
    Package,
    /// An animal.
    Animal,
    /// A noise.
    Sound,
    /// Anything else.
    Other,
    /// Somebody rang.
    Ring,
}

impl EventKind {
    /// All kinds of a camera; a doorbell has `ring` besides.
    pub const OF_A_CAMERA: [Self; 7] =
        [Self::Motion, Self::Person, Self::Vehicle, Self::Package, Self::Animal, Self::Sound, Self::Other];

    /// The text in topics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Motion => "motion",
            Self::Person => "person",
            Self::Vehicle => "vehicle",
            Self::Package => "package",
            Self::Animal => "animal",
            Self::Sound => "sound",
            Self::Other => "other",
            Self::Ring => "ring",
        }
    }

    /// The kind with this text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::OF_A_CAMERA.into_iter().chain([Self::Ring]).find(|kind| kind.as_str() == text)
    }
}
