//! The last event of each camera, as it stands on the retained `event` topic. Pure.
//!
//! The broker may have lost it, so it is said again in a new epoch, and for a camera that was announced anew. It never goes back: what
//! was sent in this life is newer than what the history says was delivered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::camera::CameraId;
use crate::events::outbox::Histories;

/// What is shown, and what is to be shown again.
#[derive(Default)]
pub(super) struct Shown {
    sent: BTreeMap<CameraId, Arc<str>>,
    due: BTreeSet<CameraId>,
    /// Their histories are not read yet.
    unknown: BTreeSet<CameraId>,
}

impl Shown {
    /// These cameras are to show their last event again; the others have gone.
    pub(super) fn announced(&mut self, again: impl IntoIterator<Item = CameraId>, cameras: &BTreeSet<CameraId>) {
        self.due.extend(again);
        for forgotten in [&mut self.due, &mut self.unknown] {
            forgotten.retain(|camera| cameras.contains(camera));
        }
        self.sent.retain(|camera, _| cameras.contains(camera));
    }

    /// Histories have changed.
    pub(super) fn look_again(&mut self) {
        self.due.append(&mut self.unknown);
    }

    pub(super) fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// The next camera and its event.
    pub(super) fn next(&mut self, histories: &Histories) -> Option<(CameraId, Arc<str>)> {
        while let Some(camera) = self.due.pop_first() {
            let known = histories.get(&camera);
            let body = self.sent.get(&camera).cloned().or_else(|| known?.delivered.clone());
            match body {
                Some(body) => return Some((camera, body)),
                None if known.is_some() => {}
                None => drop(self.unknown.insert(camera)),
            }
        }
        None
    }

    /// A newer event goes out.
    pub(super) fn send(&mut self, camera: &CameraId, body: Arc<str>) {
        self.due.remove(camera);
        self.unknown.remove(camera);
        self.sent.insert(camera.clone(), body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::outbox::History;

    fn id() -> CameraId {
        CameraId::new("front").unwrap()
    }

    fn histories(delivered: Option<&str>) -> Histories {
        Histories::from([(id(), History { delivered: delivered.map(Arc::from), ..History::default() })])
    }

    #[test]
    fn what_was_sent_in_this_life_is_newer_than_what_was_delivered() {
        let mut shown = Shown::default();
        shown.announced([id()], &BTreeSet::from([id()]));
        assert_eq!(shown.next(&histories(Some("old"))).unwrap().1, "old".into());
        shown.send(&id(), Arc::from("new"));
        shown.announced([id()], &BTreeSet::from([id()]));
        assert_eq!(shown.next(&histories(Some("old"))).unwrap().1, "new".into());
        assert!(!shown.has_due());
    }

    #[test]
    fn a_history_that_is_not_read_yet_is_waited_for_and_an_empty_one_is_not() {
        let mut shown = Shown::default();
        shown.announced([id()], &BTreeSet::from([id()]));
        assert_eq!(shown.next(&Histories::new()), None);
        assert!(!shown.has_due());
        shown.look_again();
        assert_eq!(shown.next(&histories(None)), None);
        shown.look_again();
        assert!(!shown.has_due());
    }

    #[test]
    fn an_event_that_goes_out_makes_showing_the_last_one_again_needless() {
        let mut shown = Shown::default();
        shown.announced([id()], &BTreeSet::from([id()]));
        shown.send(&id(), Arc::from("new"));
        assert!(!shown.has_due());
    }
}
