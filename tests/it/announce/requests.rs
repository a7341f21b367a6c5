//! What others may ask of the mirror, and what they see of it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use camera_herald::broker::{Inbox, LinkLost};
use camera_herald::camera::{Camera, CameraId, CameraKind, Inventory, Statuses};
use camera_herald::events::outbox::{self, Keeper};
use camera_herald::homeassistant::{Owner, Presence, Sign, Topics, heard};
use camera_herald::mirror::ledger::Ledger;
use camera_herald::mirror::{self, Announced, Mirror, RequestError, Requests, Sources};
use camera_herald::options::{EventOptions, TopicOptions};
use camera_herald::store::Store;
use jiff::tz::TimeZone;
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::camera::push_camera;
use crate::support::herald::PATIENCE;
use crate::support::link::{identity, options, quick, settings};
use crate::support::mosquitto::{Config, Mosquitto, Store as Kept};
use crate::support::{publish, publish_command};

/// Session and mirror, without the rest.
struct Stage {
    topics: Topics,
    requests: Requests,
    inventory: watch::Sender<Inventory>,
    announced: watch::Receiver<Option<Announced>>,
    dismissed: watch::Receiver<BTreeSet<Owner>>,
    presence: watch::Receiver<Presence>,
    page_seen: Arc<Notify>,
    courier_gone: CancellationToken,
    tasks: JoinSet<()>,
    _keeper: Keeper,
    _probes: mpsc::Receiver<camera_herald::camera::prober::ProbeRequest>,
    _dir: TempDir,
}

fn camera(id: &str, stream: Option<&str>) -> Camera {
    Camera {
        name: format!("The \"{id}\" <camera>"),
        stream: stream.map(|url| url.parse().unwrap()),
        kind: CameraKind::Doorbell,
        area: Some("Straße".to_owned()),
        ..push_camera(id)
    }
}

fn owner(id: &str) -> Owner {
    Owner::Camera(CameraId::new(id).unwrap())
}

impl Stage {
    async fn start(broker: SocketAddr) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let topics = Topics::new(&TopicOptions::default());
        let inbox = Inbox::new(heard::subscriptions(&topics));
        let (session, handle) =
            camera_herald::broker::Session::new(settings(&options(broker), quick()), identity("mirror"), inbox.clone());
        let cameras = [camera("front", None), camera("back", Some("rtsp://127.0.0.1:1/x"))];
        let (inventory, inventory_seen) = watch::channel(Inventory::new(cameras));
        let settings = outbox::Settings::new(&EventOptions::default(), TimeZone::UTC);
        let (keeper, outbox, histories) = Keeper::new(store.clone(), settings, inventory_seen.clone());
        let (requests, asked) = mirror::requests();
        let page_seen = Arc::new(Notify::new());
        let presence = watch::Sender::new(Presence::default());
        let presence_seen = presence.subscribe();
        let (adopting, adopted) = watch::channel(0);
        let (probes, probe_requests) = mpsc::channel(4);
        let sources = Sources {
            inventory: inventory_seen,
            statuses: watch::channel(Statuses::new()).1,
            histories,
            hearings: watch::channel(Default::default()).1,
            outbox,
            inbox,
            probes,
            requests: asked,
            page_seen: page_seen.clone(),
            presence,
            adopted,
        };
        let courier_gone = CancellationToken::new();
        let ledger = Ledger::load(store).await;
        let mut tasks = JoinSet::new();
        let (mirror, announced, dismissed) = Mirror::new(topics.clone(), handle, sources, ledger, courier_gone.clone());
        // A courier that has nothing under way.
        let mut seen = announced.clone();
        tasks.spawn(async move {
            while seen.changed().await.is_ok() {
                let runs = seen.borrow_and_update().as_ref().map_or(0, |announced| announced.runs);
                adopting.send_replace(runs);
            }
        });
        tasks.spawn(session.run());
        tasks.spawn(mirror.run());
        Self {
            topics,
            requests,
            inventory,
            announced,
            dismissed,
            presence: presence_seen,
            page_seen,
            courier_gone,
            tasks,
            _keeper: keeper,
            _probes: probe_requests,
            _dir: dir,
        }
    }

    /// Waits for so many whole runs.
    async fn runs(&mut self, at_least: u64) -> Announced {
        let enough =
            |announced: &Option<Announced>| announced.as_ref().is_some_and(|announced| announced.runs >= at_least);
        timeout(PATIENCE, self.announced.wait_for(enough)).await.expect("it is announced").unwrap().clone().unwrap()
    }

    async fn sees(&mut self, wanted: impl Fn(&Presence) -> bool) {
        timeout(PATIENCE, self.presence.wait_for(wanted)).await.expect("it is heard").unwrap();
    }

    async fn stop(mut self) {
        self.courier_gone.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        timeout(PATIENCE, all).await.expect("both end");
    }
}

const GHOST: &str = "camera_herald/camera/gone/status";
const DEVICE: &str = "homeassistant/device/camera_herald-gone/config";
const FOREIGN: &str = "camera_herald2/camera/gone/status";
const FOREIGN_DEVICE: &str = "homeassistant/device/other-gone/config";

#[tokio::test]
async fn ghosts_are_found_and_exactly_the_confirmed_ones_are_cleared() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut stage = Stage::start(broker.addr()).await;
    stage.runs(1).await;
    // The sweep of this epoch has to be over.
    assert_eq!(stage.requests.look().await.unwrap().ghosts, Vec::<String>::new());
    for topic in [GHOST, DEVICE, FOREIGN, FOREIGN_DEVICE] {
        publish(broker.addr(), topic, "theirs").await;
    }
    let found = stage.requests.look().await.unwrap();
    assert_eq!(found.ghosts, [GHOST, DEVICE]);
    let before = broker.retained("#").await;
    let confirmed = [
        GHOST,
        GHOST,
        FOREIGN,
        FOREIGN_DEVICE,
        "camera_herald/camera/front/status",
        "homeassistant/device/camera_herald-front/config",
        "camera_herald/status",
        "camera_herald/camera/+/status",
        "",
        "#",
    ];
    let cleared = stage.requests.clear(confirmed.map(str::to_owned).to_vec()).await.unwrap();
    assert_eq!(cleared, [GHOST]);
    let mut expected = before.clone();
    expected.remove(GHOST);
    assert_eq!(broker.retained("#").await, expected);
    assert!(stage.dismissed.borrow().is_empty());
    stage.stop().await;
}

#[tokio::test]
async fn a_ghost_that_became_wanted_meanwhile_stays() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut stage = Stage::start(broker.addr()).await;
    let runs = stage.runs(1).await.runs;
    stage.requests.look().await.unwrap();
    publish(broker.addr(), DEVICE, "theirs").await;
    let found = stage.requests.look().await.unwrap();
    assert_eq!(found.ghosts, [DEVICE]);
    stage.inventory.send_replace(Inventory::new([camera("front", None), camera("gone", None)]));
    assert_eq!(stage.requests.clear(found.ghosts).await.unwrap(), Vec::<String>::new());
    stage.runs(runs + 1).await;
    assert!(broker.retained(DEVICE).await[DEVICE].starts_with(b"{"), "it is announced");
    stage.stop().await;
}

#[tokio::test]
async fn a_device_that_the_user_deleted_is_shown_and_comes_back_when_asked_for() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut stage = Stage::start(broker.addr()).await;
    stage.runs(1).await;
    let config = stage.topics.config(&owner("front"));
    publish(broker.addr(), &config, "").await;
    let shown = |dismissed: &BTreeSet<Owner>| *dismissed == BTreeSet::from([owner("front")]);
    timeout(PATIENCE, stage.dismissed.wait_for(shown)).await.expect("it is shown").unwrap();
    let without =
        |announced: &Option<Announced>| announced.as_ref().is_some_and(|announced| announced.cameras.len() == 1);
    let announced = timeout(PATIENCE, stage.announced.wait_for(without)).await.unwrap().unwrap().clone().unwrap();
    assert_eq!(announced.config(&stage.topics, &owner("front")), None, "Home Assistant has not been sent it");

    stage.requests.announce().unwrap();
    timeout(PATIENCE, stage.dismissed.wait_for(BTreeSet::is_empty)).await.expect("it is forgotten").unwrap();
    stage.runs(announced.runs + 1).await;
    assert_eq!(broker.retained(&config).await.len(), 1);
    stage.stop().await;
}

#[tokio::test]
async fn a_deleted_device_is_forgotten_with_its_camera() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut stage = Stage::start(broker.addr()).await;
    stage.runs(1).await;
    publish(broker.addr(), &stage.topics.config(&owner("front")), "").await;
    timeout(PATIENCE, stage.dismissed.wait_for(|dismissed| !dismissed.is_empty())).await.unwrap().unwrap();
    stage.inventory.send_replace(Inventory::new([camera("back", None)]));
    timeout(PATIENCE, stage.dismissed.wait_for(BTreeSet::is_empty)).await.expect("it is forgotten").unwrap();
    stage.stop().await;
}

#[tokio::test]
async fn the_discovery_payloads_are_shown_byte_for_byte_as_home_assistant_was_sent_them() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut stage = Stage::start(broker.addr()).await;
    let announced = stage.runs(1).await;
    for owner in [Owner::Bridge, owner("front"), owner("back")] {
        let (topic, payload) = announced.config(&stage.topics, &owner).unwrap();
        assert_eq!(broker.retained(&topic).await[&topic], payload.as_bytes(), "{topic}");
    }
    assert_eq!(announced.config(&stage.topics, &owner("nobody")), None);
    // What changed since then is not shown before it is sent.
    let before = announced.config(&stage.topics, &owner("front"));
    stage.inventory.send_replace(Inventory::new([Camera { name: "New".to_owned(), ..camera("front", None) }]));
    let renamed = stage.runs(announced.runs + 1).await;
    assert_eq!(announced.config(&stage.topics, &owner("front")), before);
    let (topic, payload) = renamed.config(&stage.topics, &owner("front")).unwrap();
    assert!(payload.contains("\"New\""), "{payload}");
    assert_eq!(broker.retained(&topic).await[&topic], payload.as_bytes());
    stage.stop().await;
}

#[tokio::test]
async fn without_a_broker_requests_say_so_and_the_ledger_still_knows() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let mut stage = Stage::start(broker.addr()).await;
    stage.runs(1).await;
    stage.requests.look().await.unwrap();
    broker.kill9().await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let error = loop {
        match stage.requests.look().await {
            Err(error) => break error,
            Ok(_) => assert!(tokio::time::Instant::now() < deadline, "the link stays up"),
        }
    };
    assert_eq!(error, RequestError::Broker(LinkLost));
    assert!(error.to_string().contains("the link to the broker is down"), "{error}");
    assert!(stage.requests.known().await.unwrap().contains(&stage.topics.config(&owner("back"))));
    assert_eq!(stage.requests.announce(), Ok(()), "it is done when the broker is back");
    let requests = stage.requests.clone();
    stage.stop().await;
    assert_eq!(requests.announce(), Err(RequestError::Stopping));
}

#[tokio::test]
async fn home_assistant_is_there_when_it_speaks_and_unknown_after_a_new_connection() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let mut stage = Stage::start(broker.addr()).await;
    stage.runs(1).await;
    assert_eq!(*stage.presence.borrow(), Presence::Unknown);
    publish_command(broker.addr(), "camera_herald/camera/back/command", "probe").await;
    stage.sees(|presence| matches!(presence, Presence::Here { sign: Sign::Command, .. })).await;
    stage.page_seen.notify_one();
    publish_command(broker.addr(), "homeassistant/status", "offline").await;
    stage.sees(|presence| matches!(presence, Presence::Gone { .. })).await;
    publish_command(broker.addr(), "homeassistant/status", "online").await;
    stage.sees(|presence| matches!(presence, Presence::Here { sign: Sign::Birth, .. })).await;
    broker.kill9().await;
    broker.restart(Kept::Kept).await;
    stage.sees(|presence| *presence == Presence::Unknown).await;
    stage.stop().await;
}
