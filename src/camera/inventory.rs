//! The desired set of cameras: what the options ask for and what is enabled.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::{Position, Url};

use super::{CameraId, Host};
use crate::credentials::Credentials;

/// One camera as the options describe it, checked. What may be secret is never printed.
#[derive(Clone, PartialEq)]
pub struct Camera {
    /// The identity; the name may change, the id may not.
    pub id: CameraId,
    /// Shown in Home Assistant as the device's name.
    pub name: String,
    /// `rtsp` or `rtsps`, without user and password. Probed for decodable key frames.
    pub stream: Option<Url>,
    /// `http` or `https`, without user and password. Probed for a real image.
    pub snapshot: Option<Url>,
    /// Where the camera, or the recorder that it hangs on, has ONVIF.
    pub host: Option<Host>,
    /// Which of the host's video sources it is, from 1.
    pub channel: u32,
    /// The camera's own events are wanted, if it has a host.
    pub own_events: bool,
    /// For both URLs, and for the host.
    pub credentials: Option<Credentials>,
    /// What kind of device Home Assistant shows.
    pub kind: CameraKind,
    /// The area that Home Assistant suggests when it meets the device for the first time.
    pub area: Option<String>,
    /// Shown on the device's page.
    pub manufacturer: Option<String>,
    /// Shown on the device's page.
    pub model: Option<String>,
    /// Time from one probe to the next, 5 s to 1 h.
    pub check_every: Duration,
    /// `false` keeps the camera in the options but takes it out of Home Assistant.
    pub enabled: bool,
}

impl Camera {
    /// Nothing to probe: such a camera only sends events. One with a host tells itself where its pictures are.
    #[must_use]
    pub fn is_push_only(&self) -> bool {
        self.stream.is_none() && self.snapshot.is_none() && self.host.is_none()
    }
}

impl fmt::Debug for Camera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Cameras take passwords in queries, and some in paths.
        let place = |url: &Option<Url>| url.as_ref().map(|url| url[..Position::BeforePath].to_owned());
        f.debug_struct("Camera")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("stream", &place(&self.stream))
            .field("snapshot", &place(&self.snapshot))
            .field("host", &self.host.as_ref().map(ToString::to_string))
            .field("credentials", &self.credentials)
            .field("kind", &self.kind)
            .field("check_every", &self.check_every)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

/// What kind of device a camera is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CameraKind {
    /// A camera.
    #[default]
    Camera,
    /// A camera with a bell button.
    Doorbell,
}

/// The enabled cameras, in the order of the options. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inventory(Arc<[Camera]>);

impl Inventory {
    /// Takes the enabled ones of the configured cameras.
    #[must_use]
    pub fn new(cameras: impl IntoIterator<Item = Camera>) -> Self {
        Self(cameras.into_iter().filter(|camera| camera.enabled).collect())
    }

    /// The camera with this id.
    #[must_use]
    pub fn get(&self, id: &CameraId) -> Option<&Camera> {
        self.0.iter().find(|camera| camera.id == *id)
    }

    /// All of them, in the order of the options.
    pub fn iter(&self) -> std::slice::Iter<'_, Camera> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// No camera is enabled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Inventory {
    type Item = &'a Camera;
    type IntoIter = std::slice::Iter<'a, Camera>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A camera with this id and name and nothing to probe, every 30 s.
    pub(crate) fn camera(id: &str) -> Camera {
        Camera {
            id: CameraId::new(id).unwrap(),
            name: id.to_owned(),
            stream: None,
            snapshot: None,
            host: None,
            channel: 1,
            own_events: true,
            credentials: None,
            kind: CameraKind::Camera,
            area: None,
            manufacturer: None,
            model: None,
            check_every: Duration::from_secs(30),
            enabled: true,
        }
    }

    /// [`camera`] with a stream.
    pub(crate) fn streaming(id: &str) -> Camera {
        Camera { stream: Some(Url::parse("rtsp://127.0.0.1:1/h264").unwrap()), ..camera(id) }
    }

    #[test]
    fn a_camera_is_printed_without_what_may_be_secret() {
        let url = |text: &str| Some(Url::parse(text).unwrap());
        let credentials = Credentials { username: "viewer".to_owned(), password: "secret".to_owned().into() };
        let camera = Camera {
            stream: url("rtsp://10.0.0.5:8554/user=admin&password=secret?token=secret#secret"),
            snapshot: url("http://10.0.0.5/snap.jpg?usr=admin&pwd=secret"),
            credentials: Some(credentials),
            ..camera("front")
        };
        let printed = format!("{camera:?} {:?}", Inventory::new([camera.clone()]));
        assert!(!printed.contains("secret"), "{printed}");
        assert!(printed.contains("rtsp://10.0.0.5:8554") && printed.contains("http://10.0.0.5"), "{printed}");
    }
}
