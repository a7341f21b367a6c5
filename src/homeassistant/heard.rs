//! What a message from the broker says to us. Pure.
//!
//! In: topic, payload, and whether the broker had kept it. Out: one of the things that somebody does something about, or nothing.
//! Invariant: what the broker had kept is never taken for news; a kept command would be obeyed at each connection.

use super::states::{OFFLINE, ONLINE};
use super::{Owner, Topics};
use crate::broker::Subscription;
use crate::camera::CameraId;

/// What was heard from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Home Assistant has started: its birth message.
    Birth,
    /// Home Assistant has gone: it said so, or the broker for it.
    Will,
    /// Somebody else spoke for us, and did not say `online`.
    SaidOffline,
    /// Announce everything again.
    Announce,
    /// Probe every camera.
    ProbeAll,
    /// Probe this camera; a picture comes with it.
    Probe(CameraId),
    /// The discovery message of a device of ours was cleared: by its user in Home Assistant, or by ourselves.
    Cleared(Owner),
}

/// Commands, clearings, births: how many different ones may wait. An echo of each clearing of ours comes back as well.
const COMMANDS: usize = 1_024;
const CLEARINGS: usize = 16_384;

/// What is to be received of the broker: the topics and words that [`Heard::read`] understands.
#[must_use]
pub fn subscriptions(topics: &Topics) -> Vec<Subscription> {
    let live = |filter: String, words, places| Subscription { filter, at_least_once: true, words, places };
    vec![
        live(topics.birth().to_owned(), &[ONLINE, OFFLINE], 2),
        live(topics.status(), &[OFFLINE, ""], 2),
        live(topics.bridge_command(), &["announce", "probe_all"], 2),
        live(topics.camera_commands(), &["probe", "snapshot"], COMMANDS),
        // Our own configs come back here; only their clearing by somebody else is news.
        Subscription { filter: topics.config_filter(), at_least_once: false, words: &[""], places: CLEARINGS },
    ]
}

impl Heard {
    /// Reads one message. `None`: it is not for us, or makes no sense.
    #[must_use]
    pub fn read(topics: &Topics, topic: &str, payload: &[u8], retained: bool) -> Option<Self> {
        let says = |word: &str| payload == word.as_bytes();
        if retained {
            return None;
        }
        if topic == topics.birth() {
            return if says(ONLINE) { Some(Self::Birth) } else { says(OFFLINE).then_some(Self::Will) };
        }
        if topic == topics.status() {
            return (!says(ONLINE)).then_some(Self::SaidOffline);
        }
        if topic == topics.bridge_command() {
            return if says("announce") { Some(Self::Announce) } else { says("probe_all").then_some(Self::ProbeAll) };
        }
        if let Some(camera) = topics.commanded_camera(topic) {
            // Both bring a new picture, and whatever else there is to see.
            return (says("probe") || says("snapshot")).then_some(Self::Probe(camera));
        }
        topics.config_owner(topic).filter(|_| payload.is_empty()).map(Self::Cleared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::TopicOptions;

    fn heard(topic: &str, payload: &str) -> Option<Heard> {
        let topics = Topics::new(&TopicOptions::default());
        assert_eq!(Heard::read(&topics, topic, payload.as_bytes(), true), None, "kept, and so no news: {topic}");
        Heard::read(&topics, topic, payload.as_bytes(), false)
    }

    #[test]
    fn each_message_has_its_meaning() {
        let door = || CameraId::new("front_door").unwrap();
        for (topic, payload, meaning) in [
            ("homeassistant/status", "online", Some(Heard::Birth)),
            ("homeassistant/status", "offline", Some(Heard::Will)),
            ("homeassistant/status", "Online", None),
            ("homeassistant/status", "", None),
            ("camera_herald/status", "offline", Some(Heard::SaidOffline)),
            ("camera_herald/status", "", Some(Heard::SaidOffline)),
            ("camera_herald/status", "online", None),
            ("camera_herald/bridge/command", "announce", Some(Heard::Announce)),
            ("camera_herald/bridge/command", "probe_all", Some(Heard::ProbeAll)),
            ("camera_herald/bridge/command", "reboot", None),
            ("camera_herald/camera/front_door/command", "probe", Some(Heard::Probe(door()))),
            ("camera_herald/camera/front_door/command", "snapshot", Some(Heard::Probe(door()))),
            ("camera_herald/camera/front_door/command", "probe ", None),
            ("camera_herald/camera/Front Door/command", "probe", None),
            ("homeassistant/device/camera_herald-front_door/config", "", Some(Heard::Cleared(Owner::Camera(door())))),
            ("homeassistant/device/camera_herald-bridge/config", "", Some(Heard::Cleared(Owner::Bridge))),
            ("homeassistant/device/camera_herald-front_door/config", "{}", None),
            ("homeassistant/device/other-front_door/config", "", None),
            ("camera_herald/camera/front_door/status", "", None),
            ("", "", None),
        ] {
            assert_eq!(heard(topic, payload), meaning, "{topic} {payload:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_say_nothing() {
        let topics = Topics::new(&TopicOptions::default());
        assert_eq!(Heard::read(&topics, topics.birth(), b"online\xff", false), None);
        assert_eq!(Heard::read(&topics, &topics.bridge_command(), &[0; 70_000], false), None);
    }
}
