//! The subscriptions of a program, with an outbox that keeps what comes and cameras to listen to.

use std::sync::Arc;
use std::time::Duration;

use camera_herald::camera::{Camera, CameraId, CameraKind, Hearing, HearingState, Hearings, Host, Inventory};
use camera_herald::credentials::Credentials;
use camera_herald::demo::device::{Device, Login, Quirks};
use camera_herald::events::door::{Accepted, Event, Submission};
use camera_herald::events::subscription::{Keeper, Sources};
use camera_herald::store::Store;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::camera::push_camera;

/// What a test waits for comes within this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// What is not to come has come by then, on a machine that is slow but not asleep.
pub(crate) const MOMENT: Duration = Duration::from_millis(700);

pub(crate) const MOTION: &str = "VideoSource/MotionAlarm";
pub(crate) const VIDEO_1: &str = "VideoSourceToken=video_1";

/// The program's part that listens.
pub(crate) struct Ears {
    pub(crate) hearings: watch::Receiver<Hearings>,
    inventory: watch::Sender<Inventory>,
    events: mpsc::Receiver<Submission>,
    dir: Arc<TempDir>,
    tasks: JoinSet<()>,
}

impl Ears {
    pub(crate) fn open(cameras: impl IntoIterator<Item = Camera>) -> Self {
        Self::open_in(Arc::new(tempfile::tempdir().unwrap()), cameras)
    }

    /// With the data dir of somebody who was there before.
    pub(crate) fn open_in(dir: Arc<TempDir>, cameras: impl IntoIterator<Item = Camera>) -> Self {
        let (inventory, inventory_seen) = watch::channel(Inventory::new(cameras));
        let (outbox, events) = mpsc::channel(512);
        let (pictures, _nobody_looks) = mpsc::channel(1);
        let store = Store::open(dir.path()).unwrap();
        let (keeper, hearings) = Keeper::new(Sources { inventory: inventory_seen, store, outbox, pictures });
        let mut tasks = JoinSet::new();
        tasks.spawn(keeper.run(CancellationToken::new()));
        Self { hearings, inventory, events, dir, tasks }
    }

    /// Ends at once, without a word to anybody, and leaves the data dir.
    pub(crate) async fn die(mut self) -> Arc<TempDir> {
        self.tasks.shutdown().await;
        self.dir.clone()
    }

    pub(crate) fn follow(&self, cameras: impl IntoIterator<Item = Camera>) {
        self.inventory.send_replace(Inventory::new(cameras));
    }

    /// The next event, which is on disk from now on.
    pub(crate) async fn event(&mut self) -> Event {
        let next = timeout(PATIENCE, self.events.recv()).await.expect("an event comes in time").expect("it lives");
        let _nobody_waits = next.answer.send(Ok(Accepted::New));
        next.event
    }

    /// The next event, if one comes soon.
    pub(crate) async fn event_soon(&mut self) -> Option<Event> {
        let next = timeout(MOMENT, self.events.recv()).await.ok()??;
        let _nobody_waits = next.answer.send(Ok(Accepted::New));
        Some(next.event)
    }

    /// Waits until a camera's hearing is this.
    pub(crate) async fn become_(&mut self, camera: &str, hearing: Hearing) -> HearingState {
        let id = CameraId::new(camera).unwrap();
        let is_so = |all: &Hearings| all.get(&id).is_some_and(|state| state.hearing == hearing);
        let became = timeout(PATIENCE, self.hearings.wait_for(is_so)).await.is_ok();
        let state = self.hearings.borrow().get(&id).cloned();
        assert!(became, "{camera} never was {hearing:?}: {state:?}");
        state.expect("it is in the inventory")
    }
}

pub(crate) fn login() -> Login {
    Login { username: "viewer".to_owned(), password: "s<e&cret".to_owned() }
}

/// A camera whose host is this device, with the right password.
pub(crate) fn at(id: &str, device: &Device) -> Camera {
    let Login { username, password } = login();
    let host = Some(Host::parse(&device.addr().to_string()).unwrap());
    let credentials = Some(Credentials { username, password: password.into() });
    Camera { host, credentials, kind: CameraKind::Doorbell, ..push_camera(id) }
}

/// A locked device with these peculiarities.
pub(crate) async fn device(quirks: Quirks) -> Device {
    let device = Device::start(quirks).await.unwrap();
    device.lock(login());
    device
}
