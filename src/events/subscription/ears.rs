//! Which of our cameras a message is about: one device may have many. Pure.

use crate::camera::onvif::{Notification, Sources};
use crate::camera::{CameraId, CameraKind};

/// One of our cameras at a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ear {
    pub(super) camera: CameraId,
    pub(super) kind: CameraKind,
    /// From 1.
    pub(super) channel: u32,
}

/// Items that name a video source, its configuration or a profile.
const NAMES: [&str; 5] = ["VideoSourceToken", "VideoSourceConfigurationToken", "Source", "VideoSource", "ProfileToken"];

/// Whose message it is. A token that leads to none of our cameras, or to several sources, is nobody's: a guess would ring the wrong
/// bell.
pub(super) fn whose<'a>(ears: &'a [Ear], sources: &Sources, message: &Notification) -> Option<&'a Ear> {
    if sources.len() <= 1 {
        // A camera of its own, or one that does not tell its sources.
        return ears.iter().find(|ear| ear.channel == 1).or(ears.first().filter(|_| ears.len() == 1));
    }
    let named = message.source.iter().filter(|(name, _)| NAMES.iter().any(|known| known.eq_ignore_ascii_case(name)));
    let channel = named.filter_map(|(_, token)| sources.channel_of(token)).next()?;
    ears.iter().find(|ear| ear.channel == channel)
}
