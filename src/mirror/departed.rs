//! Devices that were taken away while Home Assistant perhaps did not listen. Pure.
//!
//! Home Assistant forgets a device only when it hears that its config is cleared. One that was away then shows the device for
//! ever, and a second clearing says nothing to it, for it has not discovered the device since its start. So after its birth
//! message it is shown each such device once more and then hears the clearing. Nothing of this is retained.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::camera::CameraId;
use crate::homeassistant::payload::Components;

/// Home Assistant writes its registries some ten seconds after a change; what it heard less than this before its end may be undone.
const WRITTEN: Duration = Duration::from_secs(30);

/// The devices, and whether Home Assistant is there.
#[derive(Default)]
pub(super) struct Departed {
    listens: bool,
    devices: BTreeMap<CameraId, Device>,
}

struct Device {
    components: Components,
    heard: bool,
    at: Instant,
}

impl Departed {
    /// A device's config was cleared.
    pub(super) fn add(&mut self, camera: CameraId, components: Components, now: Instant) {
        if !components.is_empty() {
            self.devices.insert(camera, Device { components, heard: self.listens, at: now });
        }
    }

    /// It is there again, or Home Assistant itself took it away.
    pub(super) fn forget(&mut self, camera: &CameraId) {
        self.devices.remove(camera);
    }

    /// Home Assistant said that it has started.
    pub(super) fn arrived(&mut self) {
        self.listens = true;
    }

    /// Home Assistant has ended, or nobody knows any more whether it is there.
    pub(super) fn left(&mut self, now: Instant) {
        self.listens = false;
        self.devices.retain(|_, device| !device.heard || now < device.at + WRITTEN);
    }

    /// What a device had, while Home Assistant is there to be shown it.
    pub(super) fn components(&self, camera: &CameraId) -> Option<&Components> {
        self.devices.get(camera).filter(|_| self.listens).map(|device| &device.components)
    }

    pub(super) fn to_be_shown(&self) -> Vec<CameraId> {
        self.devices.keys().filter(|_| self.listens).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> (CameraId, Components) {
        (CameraId::new("front").unwrap(), Components::from([("status".to_owned(), "sensor".to_owned())]))
    }

    #[test]
    fn what_home_assistant_may_have_missed_is_shown_after_its_birth() {
        let mut departed = Departed::default();
        let (camera, components) = some();
        departed.add(camera.clone(), components, Instant::now());
        assert!(departed.to_be_shown().is_empty(), "nobody listens yet");
        departed.arrived();
        assert_eq!(departed.to_be_shown().len(), 1);
        departed.forget(&camera);
        assert!(departed.to_be_shown().is_empty());
    }

    #[test]
    fn what_home_assistant_heard_and_wrote_down_is_not_shown_again() {
        let now = Instant::now();
        let shown_after = |age: Duration| {
            let mut departed = Departed::default();
            departed.arrived();
            let (camera, components) = some();
            departed.add(camera, components, now);
            departed.left(now + age);
            departed.arrived();
            departed.to_be_shown().len()
        };
        assert_eq!(shown_after(Duration::from_secs(5)), 1, "it may not have written it down");
        assert_eq!(shown_after(Duration::from_secs(60)), 0);
    }
}
