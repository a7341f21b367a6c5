//! Devices that were taken away while Home Assistant perhaps did not listen.
//!
//! Home Assistant forgets a device only when it hears that its config is cleared. One that was away then shows the device for
//! ever, and a second clearing says nothing to it, for it has not discovered the device since its start. So after its birth
//! message it is shown each such device once more and then hears the clearing. Nothing of this is retained.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::run::{Delivery, acknowledged};
use crate::broker::{Message, PublishError};
use crate::camera::CameraId;
use crate::homeassistant::entities;
use crate::homeassistant::payload::Components;
use crate::homeassistant::topics::Owner;

/// Home Assistant writes its registries some ten seconds after a change; what it heard less than this before its end may be undone.
const WRITTEN: Duration = Duration::from_secs(30);
/// What it takes to set up a device that is shown once more, and what each further one adds.
const SHOWN: Duration = Duration::from_secs(1);
const SHOWN_OF_ONE: Duration = Duration::from_millis(20);

/// The devices, and whether Home Assistant is there.
#[derive(Default)]
pub(super) struct Departed {
    listens: bool,
    devices: BTreeMap<CameraId, Device>,
}

#[derive(Clone)]
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

    /// It is there again.
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

    fn to_be_shown(&self) -> Vec<(CameraId, Components)> {
        let all = self.devices.iter().map(|(camera, device)| (camera.clone(), device.components.clone()));
        all.filter(|_| self.listens).collect()
    }
}

impl Delivery {
    /// Shows Home Assistant, if it has just started, the devices that it may still have, and takes them away.
    ///
    /// # Errors
    /// [`PublishError::LinkDown`] when the link went down in between; then they wait for the next time.
    pub(super) async fn see_off_the_departed(&mut self, there: &[CameraId]) -> Result<(), PublishError> {
        there.iter().for_each(|camera| self.departed.forget(camera));
        if !std::mem::take(&mut self.born) {
            return Ok(());
        }
        let departed = self.departed.to_be_shown();
        let Ok(count @ 1..) = u32::try_from(departed.len()) else { return Ok(()) };
        tracing::info!(devices = count, "Taking away what Home Assistant may have missed");
        let mut acks = Vec::new();
        for (camera, components) in &departed {
            let payload = entities::departed(&self.topics, camera, components);
            let payload = serde_json::to_string(&payload).expect("a payload has text keys only");
            acks.push(self.send(self.to_the_config_of(camera, payload)).await?);
        }
        acknowledged(std::mem::take(&mut acks)).await?;
        sleep(SHOWN + SHOWN_OF_ONE.saturating_mul(count)).await;
        for (camera, _) in &departed {
            acks.push(self.send(self.to_the_config_of(camera, String::new())).await?);
        }
        acknowledged(acks).await?;
        departed.iter().for_each(|(camera, _)| self.departed.forget(camera));
        Ok(())
    }

    /// Home Assistant itself took these away.
    pub(super) fn forget_the_dismissed(&mut self, dismissed: &BTreeSet<Owner>) {
        for owner in dismissed {
            if let Owner::Camera(camera) = owner {
                self.departed.forget(camera);
            }
        }
    }

    fn to_the_config_of(&self, camera: &CameraId, payload: String) -> Message {
        let topic = self.topics.config(&Owner::Camera(camera.clone()));
        Message { topic, payload: payload.into(), retain: false }
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
