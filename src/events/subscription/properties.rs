//! What each of a camera's properties was last, so that only news fire. Pure; time is an argument.
//!
//! A property fires when it becomes true; a point event fires each time; what a camera tells after a new subscription sets states and
//! fires nothing, else every reconnect would ring the bell.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::meaning::Seen;
use crate::camera::CameraId;
use crate::camera::onvif::{Notification, Operation};
use crate::events::door::EventKind;

/// Some cameras never say that it is over. What was told this long ago is over when it is told again.
const OVER_AFTER: Duration = Duration::from_secs(300);
/// A device has some dozens; one that invents new ones is not remembered for ever.
const MOST: usize = 2_048;

/// A property: a topic, what it is about, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Property {
    topic: String,
    source: Vec<(String, String)>,
    kind: EventKind,
}

/// Two topics by which many cameras tell one and the same motion.
const TWINS: [&str; 2] = ["VideoSource/MotionAlarm", "RuleEngine/CellMotionDetector/Motion"];

impl Property {
    /// The property that a message of a camera is about.
    pub(super) fn of(message: &Notification, camera: &CameraId, kind: EventKind) -> Self {
        if TWINS.contains(&message.topic.as_str()) {
            // They name their source in different ways; whose they are is known.
            let source = vec![("camera".to_owned(), camera.to_string())];
            return Self { topic: TWINS[0].to_owned(), source, kind };
        }
        Self { topic: message.topic.clone(), source: message.source.clone(), kind }
    }
}

/// The states of one device's properties.
#[derive(Debug, Default)]
pub(super) struct Properties(HashMap<Property, State>);

#[derive(Debug, Clone, Copy)]
struct State {
    there: bool,
    told: Instant,
}

impl Properties {
    /// Takes what a message says; `true` when it is to fire.
    pub(super) fn tell(&mut self, property: Property, seen: Seen, operation: Operation, now: Instant) -> bool {
        if operation == Operation::Deleted {
            self.0.remove(&property);
            return false;
        }
        if seen.point {
            return operation == Operation::Changed && seen.there;
        }
        if self.0.len() >= MOST && !self.0.contains_key(&property) {
            self.0.clear();
        }
        let before = self.0.insert(property, State { there: seen.there, told: now });
        let was_there = before.is_some_and(|before| before.there && now.duration_since(before.told) < OVER_AFTER);
        operation == Operation::Changed && seen.there && !was_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property() -> Property {
        Property { topic: "VideoSource/MotionAlarm".to_owned(), source: Vec::new(), kind: EventKind::Motion }
    }

    fn seen(there: bool) -> Seen {
        Seen { kind: EventKind::Motion, there, point: false, rule: None }
    }

    #[test]
    fn only_a_beginning_fires_and_what_a_new_subscription_tells_does_not() {
        let mut properties = Properties::default();
        let now = Instant::now();
        let mut tell = |there, operation| properties.tell(property(), seen(there), operation, now);
        assert!(!tell(true, Operation::Initialized), "it was so before we listened");
        assert!(!tell(true, Operation::Changed), "and still is");
        assert!(!tell(false, Operation::Changed));
        assert!(tell(true, Operation::Changed));
        assert!(!tell(true, Operation::Changed));
        assert!(!tell(true, Operation::Deleted));
        assert!(tell(true, Operation::Changed));
    }

    #[test]
    fn a_camera_that_never_says_that_it_is_over_fires_again_after_a_while() {
        let mut properties = Properties::default();
        let now = Instant::now();
        assert!(properties.tell(property(), seen(true), Operation::Changed, now));
        let soon = now + OVER_AFTER / 2;
        assert!(!properties.tell(property(), seen(true), Operation::Changed, soon));
        assert!(properties.tell(property(), seen(true), Operation::Changed, soon + OVER_AFTER));
    }

    #[test]
    fn a_point_event_fires_each_time() {
        let mut properties = Properties::default();
        let point = Seen { point: true, ..seen(true) };
        for operation in [Operation::Changed, Operation::Changed] {
            assert!(properties.tell(property(), point, operation, Instant::now()));
        }
        assert!(!properties.tell(property(), point, Operation::Initialized, Instant::now()));
    }
}
