//! Where a camera's pictures are when the user has named its host only: the camera is asked, once, and again when they do not come.
//!
//! Invariant: what the user has set is never replaced.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Client;

use crate::camera::onvif::{self, Addresses, Device};
use crate::camera::{Camera, CameraId, Failure};

/// What cameras told. Cheap to clone.
#[derive(Clone)]
pub(super) struct Whereabouts {
    http: Client,
    /// With the camera that was asked: another host, channel or login makes it worthless.
    known: Arc<Mutex<HashMap<CameraId, (Camera, Addresses)>>>,
}

impl Default for Whereabouts {
    fn default() -> Self {
        Self { http: onvif::client(), known: Arc::default() }
    }
}

impl Whereabouts {
    /// The camera with the addresses that it told itself, if it has to be asked; `None` when the user has set one.
    pub(super) async fn complete(&self, camera: &Camera) -> Result<Option<Camera>, Failure> {
        let Some(host) = camera.host.as_ref().filter(|_| camera.stream.is_none() && camera.snapshot.is_none()) else {
            return Ok(None);
        };
        let addresses = match self.known(camera) {
            Some(addresses) => addresses,
            None => {
                let asked = async {
                    let mut device = Device::meet(&self.http, host, camera.credentials.as_ref()).await?;
                    device.addresses(camera.channel).await
                };
                let addresses = asked.await.map_err(|trouble| trouble.failure)?;
                self.all().insert(camera.id.clone(), (camera.clone(), addresses.clone()));
                addresses
            }
        };
        let Addresses { stream, snapshot } = addresses;
        Ok(Some(Camera { stream, snapshot, ..camera.clone() }))
    }

    /// They led to nothing: the camera is asked again before the next probe.
    pub(super) fn forget(&self, camera: &CameraId) {
        self.all().remove(camera);
    }

    fn known(&self, camera: &Camera) -> Option<Addresses> {
        self.all().get(&camera.id).filter(|(asked, _)| asked == camera).map(|(_, addresses)| addresses.clone())
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<CameraId, (Camera, Addresses)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
