//! Which retained topics are to be on the broker: the inventory, less what the user took out in Home Assistant. Pure.

use std::collections::BTreeSet;

use crate::camera::{Camera, CameraId, Inventory};
use crate::homeassistant::topics::{Leaf, Owner, Topics};

/// The desired set.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Is the bridge's device announced?
    pub bridge: bool,
    /// The cameras to announce, in the order of the options.
    pub cameras: Vec<Camera>,
    /// The cameras of the inventory whose devices the user deleted.
    pub dismissed: BTreeSet<CameraId>,
}

impl Plan {
    /// The inventory without the devices that the user deleted in Home Assistant.
    #[must_use]
    pub fn new(inventory: &Inventory, dismissed: &BTreeSet<Owner>) -> Self {
        let (gone, cameras): (Vec<_>, Vec<_>) =
            inventory.iter().cloned().partition(|camera| dismissed.contains(&Owner::Camera(camera.id.clone())));
        let dismissed_cameras = gone.into_iter().map(|camera| camera.id).collect();
        Self { bridge: !dismissed.contains(&Owner::Bridge), cameras, dismissed: dismissed_cameras }
    }

    /// Every topic on which we keep, or may keep, a message.
    #[must_use]
    pub fn topics(&self, topics: &Topics) -> BTreeSet<String> {
        let cameras = self.cameras.iter().flat_map(|camera| {
            let states = Leaf::RETAINED.iter().map(|leaf| topics.camera(&camera.id, *leaf));
            states.chain([topics.config(&Owner::Camera(camera.id.clone()))])
        });
        let bridge = self.bridge.then(|| topics.config(&Owner::Bridge));
        cameras.chain(bridge).chain([topics.status(), topics.bridge_state()]).collect()
    }
}
