//! Which pictures are to be sent. Pure.
//!
//! Home Assistant keeps pictures in memory and the broker keeps none, so after each announcement all are sent again. A picture from
//! an event stays as long as its camera is active: who taps the notification wants to see what happened.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;

use crate::camera::{CameraId, Picture, Pictures};
use crate::events::outbox::Histories;

/// What Home Assistant has, and what it lacks.
#[derive(Default)]
pub(super) struct Album {
    due: BTreeSet<CameraId>,
    /// The probe's picture that Home Assistant has of each camera.
    sent: HashMap<CameraId, Bytes>,
    /// Cameras that show an event's picture.
    held: BTreeSet<CameraId>,
    /// Cameras whose picture does not fit, which was said.
    too_large: BTreeSet<CameraId>,
}

impl Album {
    /// Home Assistant may have lost everything; these cameras are known to it now.
    pub(super) fn announced(&mut self, cameras: &BTreeSet<CameraId>) {
        self.sent.clear();
        self.held.retain(|camera| cameras.contains(camera));
        self.due.clone_from(cameras);
    }

    /// A picture of an event is on its way. It is due once more if perhaps nobody listens yet.
    pub(super) fn hold(&mut self, camera: CameraId, again: bool) {
        if again {
            self.due.insert(camera.clone());
        } else {
            self.due.remove(&camera);
        }
        self.sent.remove(&camera);
        self.held.insert(camera);
    }

    /// Looks at what is there now. A picture that is the same as the last is not sent again.
    pub(super) fn look(&mut self, pictures: &Pictures, histories: &Histories, announced: impl Fn(&CameraId) -> bool) {
        self.held.retain(|camera| histories.get(camera).is_some_and(|history| history.active_until.is_some()));
        self.sent.retain(|camera, _| pictures.contains_key(camera));
        for (camera, Picture { jpeg, .. }) in pictures {
            if announced(camera) && !self.held.contains(camera) && !self.has(camera, jpeg) {
                self.due.insert(camera.clone());
            }
        }
    }

    /// Whether Home Assistant has this picture. An equal one takes the place of the one that was sent, so that it is compared once.
    fn has(&mut self, camera: &CameraId, jpeg: &Bytes) -> bool {
        match self.sent.get_mut(camera) {
            Some(sent) if sent.as_ptr() == jpeg.as_ptr() && sent.len() == jpeg.len() => true,
            Some(sent) if sent == jpeg => {
                *sent = jpeg.clone();
                true
            }
            _ => false,
        }
    }

    /// Whether something is to be sent.
    pub(super) fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// The next camera, and whether it is an event's picture that it shows.
    pub(super) fn next(&mut self) -> Option<(CameraId, bool)> {
        let camera = self.due.pop_first()?;
        let held = self.held.contains(&camera);
        Some((camera, held))
    }

    /// A probe's picture was sent, or cannot be. Returns whether the trouble is news.
    pub(super) fn done(&mut self, camera: &CameraId, jpeg: Bytes, fits: bool) -> bool {
        self.sent.insert(camera.clone(), jpeg);
        if fits {
            self.too_large.remove(camera);
            return false;
        }
        self.too_large.insert(camera.clone())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::events::outbox::History;

    fn id(name: &str) -> CameraId {
        CameraId::new(name).unwrap()
    }

    fn pictures(content: &'static [u8]) -> Pictures {
        Pictures::from([(id("front"), Picture { jpeg: Bytes::from_static(content), taken_at: Timestamp::UNIX_EPOCH })])
    }

    fn histories(active: bool) -> Histories {
        let active_until = active.then_some(Timestamp::UNIX_EPOCH);
        Histories::from([(id("front"), History { active_until, ..History::default() })])
    }

    #[test]
    fn a_picture_is_sent_once_and_again_after_an_announcement() {
        let mut album = Album::default();
        album.look(&pictures(b"one"), &histories(false), |_| true);
        assert_eq!(album.next(), Some((id("front"), false)));
        album.done(&id("front"), Bytes::from_static(b"one"), true);
        album.look(&pictures(b"one"), &histories(false), |_| true);
        assert!(!album.has_due());
        album.look(&pictures(b"two"), &histories(false), |_| true);
        assert!(album.has_due());
        album.done(&id("front"), Bytes::from_static(b"two"), true);
        album.announced(&BTreeSet::from([id("front"), id("garden")]));
        assert_eq!(album.next().unwrap().0, id("front"));
        assert_eq!(album.next().unwrap().0, id("garden"));
    }

    #[test]
    fn an_events_picture_stays_while_the_camera_is_active() {
        let mut album = Album::default();
        album.hold(id("front"), false);
        album.look(&pictures(b"one"), &histories(true), |_| true);
        assert!(!album.has_due());
        album.hold(id("front"), true);
        assert_eq!(album.next(), Some((id("front"), true)));
        album.announced(&BTreeSet::from([id("front")]));
        assert_eq!(album.next(), Some((id("front"), true)));
        album.look(&pictures(b"one"), &histories(false), |_| true);
        assert_eq!(album.next(), Some((id("front"), false)));
    }

    #[test]
    fn a_camera_that_is_not_announced_waits_and_trouble_is_news_once() {
        let mut album = Album::default();
        album.look(&pictures(b"one"), &histories(false), |_| false);
        assert!(!album.has_due());
        assert!(album.done(&id("front"), Bytes::new(), false));
        assert!(!album.done(&id("front"), Bytes::new(), false));
        assert!(!album.done(&id("front"), Bytes::new(), true));
        assert!(album.done(&id("front"), Bytes::new(), false));
    }
}
