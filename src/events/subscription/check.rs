//! Looks once whether a device would let itself be heard, without taking a place from anybody.

use crate::camera::onvif::{self, Device};
use crate::camera::{Failure, Host};
use crate::credentials::Credentials;

/// What the device is, or why it cannot be heard and what to do.
pub(crate) async fn check(host: &Host, credentials: Option<&Credentials>) -> Result<String, Failure> {
    let mut device = Device::meet(&onvif::client(), host, credentials).await.map_err(|trouble| trouble.failure)?;
    // The first question that needs the login.
    let identity = device.identity().await.map_err(|trouble| trouble.failure)?;
    device.offers_events().map_err(|trouble| trouble.failure)?;
    let known = [identity.manufacturer, identity.model];
    let name = known.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Ok(format!("{} offers its events by ONVIF", if name.is_empty() { "the camera" } else { &name }))
}
