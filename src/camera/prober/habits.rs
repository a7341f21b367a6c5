//! What cameras have shown of themselves, for the life of the process.
//!
//! In: what a probe found out. Out: the same for the next one. Invariant: what is known of a camera at one host is not taken for one at
//! another.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::camera::CameraId;

/// What one camera does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Habit {
    /// It streams over UDP only.
    pub(super) streams_over_udp: bool,
    /// What of its answers has to be repaired.
    pub(super) repairs: BTreeSet<&'static str>,
}

/// The habits of all cameras. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Habits(Arc<Mutex<HashMap<(CameraId, String), Habit>>>);

impl Habits {
    /// What is known of a camera at this host.
    pub(super) fn of(&self, camera: &CameraId, host: &str) -> Habit {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(camera.clone(), host.to_owned())).cloned().unwrap_or_default()
    }

    /// Takes note of what was found out.
    pub(super) fn learn(&self, camera: &CameraId, host: &str, habit: Habit) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert((camera.clone(), host.to_owned()), habit);
    }
}
