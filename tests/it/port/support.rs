//! The page's port without a broker: everything that it shows is set by the test. And raw requests, which no client would send.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use camera_herald::broker::{BrokerKind, Cause, LinkState};
use camera_herald::camera::{Inventory, LastProbes, Pictures, Statuses, Timelines};
use camera_herald::chain;
use camera_herald::events::door::{CurrentToken, EventToken};
use camera_herald::events::outbox::{self, Keeper};
use camera_herald::homeassistant::{Owner, Presence, Topics};
use camera_herald::mirror::Announced;
use camera_herald::options::{EventOptions, LogLevel, MqttOptions, Options, TopicOptions};
use camera_herald::store::Store;
use camera_herald::supervisor::Client;
use camera_herald::web::feeds::Feeds;
use camera_herald::web::port::{self, Access};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::herald::PATIENCE;

pub(crate) const TOKEN: &str = "planted-event-token_0123456789";

/// Who plays the Supervisor's proxy.
pub(crate) const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// Another app in the same network.
pub(crate) const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The listener, and the senders of what it shows.
pub(crate) struct House {
    pub(crate) addr: SocketAddr,
    pub(crate) feeds: Feeds,
    pub(crate) statuses: watch::Sender<Statuses>,
    pub(crate) probes: watch::Sender<LastProbes>,
    pub(crate) link: watch::Sender<LinkState>,
    tasks: JoinSet<()>,
    _dir: TempDir,
    _kept: Kept,
}

/// Kept so that nothing looks as if the program was stopping.
struct Kept {
    _options: watch::Sender<Arc<Options>>,
    _inventory: watch::Sender<Inventory>,
    _timelines: watch::Sender<Timelines>,
    _pictures: watch::Sender<Pictures>,
    _announced: watch::Sender<Option<Announced>>,
    _dismissed: watch::Sender<std::collections::BTreeSet<Owner>>,
    _probe_requests: mpsc::Receiver<camera_herald::camera::prober::ProbeRequest>,
    _keeper: Keeper,
}

pub(crate) fn options() -> Options {
    Options {
        cameras: Vec::new(),
        mqtt: MqttOptions::default(),
        topics: TopicOptions::default(),
        events: EventOptions::default(),
        log_level: LogLevel::Info,
    }
}

impl House {
    pub(crate) async fn open(access: Access) -> Self {
        Self::with(access, options(), None).await
    }

    pub(crate) async fn with(access: Access, options: Options, supervisor: Option<Client>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        let cause = Cause::broker(BrokerKind::Refused, "the broker is away");
        let (link, link_seen) = watch::channel(LinkState::Down { cause, since: Timestamp::now() });
        let (inventory, inventory_seen) = watch::channel(Inventory::new(options.cameras.clone()));
        let (statuses, statuses_seen) = watch::channel(Statuses::new());
        let (probes, probes_seen) = watch::channel(LastProbes::new());
        let (timelines, timelines_seen) = watch::channel(Timelines::new());
        let (pictures, pictures_seen) = watch::channel(Pictures::new());
        let (announced, announced_seen) = watch::channel(None);
        let (dismissed, dismissed_seen) = watch::channel(std::collections::BTreeSet::new());
        let (topics, events) = (Topics::new(&options.topics), options.events.clone());
        let (options, options_seen) = watch::channel(Arc::new(options));
        let presence = watch::Sender::new(Presence::default());
        let (look, looks) = mpsc::channel(1);
        let app_mode = supervisor.is_some();
        let (chain, told) = chain::Keeper::new(chain::Sources {
            app_mode,
            uses_service: app_mode,
            supervisor,
            link: link_seen.clone(),
            presence: presence.subscribe(),
            looks,
        });
        let store = Store::open(dir.path()).unwrap();
        let settings = outbox::Settings::new(&events, TimeZone::UTC);
        let (keeper, outbox, histories) = Keeper::new(store, settings, inventory_seen.clone());
        // Nobody does what is asked.
        let (mirror, _) = camera_herald::mirror::requests();
        let (prober, probe_requests) = mpsc::channel(1);
        let feeds = Feeds {
            started: Timestamp::now(),
            app_mode,
            events_listen: (Ipv4Addr::LOCALHOST, 8098).into(),
            topics,
            options: options_seen,
            inventory: inventory_seen,
            statuses: statuses_seen,
            probes: probes_seen,
            probe_figures: Arc::default(),
            timelines: timelines_seen,
            pictures: pictures_seen,
            histories,
            hearings: watch::channel(Default::default()).1,
            outbox,
            tally: Arc::default(),
            link: link_seen,
            link_history: told.history,
            chain: told.chain,
            surroundings: told.surroundings,
            presence: presence.subscribe(),
            page_seen: Arc::default(),
            announced: announced_seen,
            dismissed: dismissed_seen,
            mirror,
            prober,
            token: CurrentToken::new(EventToken::new(TOKEN), dir.path()),
            look,
            stop: stop.clone(),
        };
        let (page, renderer) = camera_herald::web::page::new(feeds.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(renderer.run());
        tasks.spawn(chain.run(stop.clone()));
        let shown = feeds.clone();
        tasks.spawn(async move { port::serve_on(listener, access, shown, page, stop).await });
        let kept = Kept {
            _options: options,
            _inventory: inventory,
            _timelines: timelines,
            _pictures: pictures,
            _announced: announced,
            _dismissed: dismissed,
            _probe_requests: probe_requests,
            _keeper: keeper,
        };
        Self { addr, feeds, statuses, probes, link, tasks, _dir: dir, _kept: kept }
    }

    /// What comes back for these bytes, sent from this address, until the port closes the connection.
    pub(crate) async fn raw(&self, from: IpAddr, request: &str) -> String {
        let mut stream = connect(from, self.addr).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the connection is closed in time");
        // A reset after the answer is as good as an end.
        let _ended = read;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A GET that asks for the connection to be closed.
    pub(crate) async fn get(&self, from: IpAddr, path: &str, headers: &str) -> String {
        self.raw(from, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")).await
    }

    /// Stops the port; says how long it took.
    pub(crate) async fn stop(mut self) -> Duration {
        let began = std::time::Instant::now();
        self.feeds.stop.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        timeout(PATIENCE, all).await.expect("the tasks end");
        began.elapsed()
    }
}

pub(crate) async fn connect(from: IpAddr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// The number in the first line.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer:?}"))
}
