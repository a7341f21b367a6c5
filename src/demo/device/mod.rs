//! A made-up ONVIF camera: it has the services of a real one, tells events, and can be as peculiar as real ones are.
//!
//! Written from the specifications and independent of our client (`camera/onvif`), so that neither hides the other's mistakes. In: requests
//! on a loopback port of its own. Out: answers, and what it saw of its clients.

mod answers;
mod clients;
mod quirks;
mod requests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::any;
use jiff::{SignedDuration, Timestamp};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::task::JoinSet;

pub use clients::Login;
pub use quirks::Quirks;

/// A running camera. Dropping it ends it.
pub struct Device {
    addr: SocketAddr,
    shared: Arc<Shared>,
    _task: JoinSet<()>,
}

struct Shared {
    addr: SocketAddr,
    inside: Mutex<Inside>,
    /// Something was told.
    news: Notify,
}

#[derive(Default)]
struct Inside {
    quirks: Quirks,
    login: Option<Login>,
    media: Media,
    /// How far its clock is ahead of ours, in seconds.
    clock: i64,
    subscriptions: HashMap<u64, Subscription>,
    last: u64,
    /// The state of each property: topic and source, and the data's XML.
    properties: BTreeMap<(String, String), String>,
    seen: Seen,
}

struct Subscription {
    queue: VecDeque<String>,
    ends_at: Timestamp,
}

/// Where its pictures are.
#[derive(Debug, Clone, Default)]
pub struct Media {
    /// By profile token: source token, width, height.
    pub profiles: Vec<(String, String, u32, u32)>,
    /// What it says its stream's address is; `{}` stands for the profile.
    pub stream: Option<String>,
    /// The same of its still picture.
    pub snapshot: Option<String>,
}

/// What it saw of its clients.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Each operation, and how often it was asked for, refused ones too.
    pub operations: BTreeMap<String, usize>,
    /// Requests whose login was refused.
    pub refused: usize,
    /// A password in clear.
    pub in_clear: usize,
}

impl Device {
    /// Starts it on a free port of loopback.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(quirks: Quirks) -> io::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), quirks).await
    }

    /// Starts it at an address, to come back after it was dropped.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start_at(addr: SocketAddr, quirks: Quirks) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        let listener = socket.listen(64)?;
        let addr = listener.local_addr()?;
        let media =
            Media { profiles: vec![("main".to_owned(), "video_1".to_owned(), 1_920, 1_080)], ..Media::default() };
        let inside = Inside { quirks, media, ..Inside::default() };
        let shared = Arc::new(Shared { addr, inside: Mutex::new(inside), news: Notify::new() });
        let mut task = JoinSet::new();
        task.spawn(serve(listener, shared.clone()));
        Ok(Self { addr, shared, _task: task })
    }

    /// Where it is: what a user enters as `host`.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Only this login opens it from now on.
    pub fn lock(&self, login: Login) {
        self.inside().login = Some(login);
    }

    /// Its pictures.
    pub fn show(&self, media: Media) {
        self.inside().media = media;
    }

    /// Sets its clock, in seconds ahead of ours.
    pub fn set_clock(&self, ahead: i64) {
        self.inside().clock = ahead;
    }

    /// Other peculiarities from now on.
    pub fn change(&self, change: impl FnOnce(&mut Quirks)) {
        change(&mut self.inside().quirks);
    }

    /// A property becomes something: `VideoSource/MotionAlarm`, `VideoSourceToken=video_1`, `State=true`.
    pub fn tell(&self, topic: &str, source: &str, data: &str) {
        let mut inside = self.inside();
        let now = inside.now();
        inside.properties.insert((topic.to_owned(), source.to_owned()), data.to_owned());
        let message = answers::message(topic, source, data, "Changed", now, inside.quirks);
        inside.broadcast(&message);
        drop(inside);
        self.shared.news.notify_waiters();
    }

    /// Something happens that has no state.
    pub fn happen(&self, topic: &str, source: &str, data: &str) {
        let mut inside = self.inside();
        let now = inside.now();
        let message = answers::message(topic, source, data, "", now, inside.quirks);
        inside.broadcast(&message);
        drop(inside);
        self.shared.news.notify_waiters();
    }

    /// This goes to all listeners as a message, whatever it is.
    pub fn blurt(&self, xml: &str) {
        self.inside().broadcast(xml);
        self.shared.news.notify_waiters();
    }

    /// Forgets its subscriptions, as a restart does; states stay.
    pub fn reboot(&self) {
        self.inside().subscriptions.clear();
        self.shared.news.notify_waiters();
    }

    /// How many subscriptions it holds.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        let mut inside = self.inside();
        inside.forget_old();
        inside.subscriptions.len()
    }

    /// What it saw of its clients.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.inside().seen.clone()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.shared.inside()
    }
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(self.clock)
    }

    fn forget_old(&mut self) {
        let now = self.now();
        self.subscriptions.retain(|_, subscription| subscription.ends_at > now);
    }

    fn broadcast(&mut self, message: &str) {
        self.forget_old();
        for subscription in self.subscriptions.values_mut() {
            subscription.queue.push_back(message.to_owned());
        }
    }

    /// Every state, as a listener is told who comes anew.
    fn states(&self) -> VecDeque<String> {
        let now = self.now();
        let state = |((topic, source), data): (&(String, String), &String)| {
            answers::message(topic, source, data, "Initialized", now, self.quirks)
        };
        self.properties.iter().map(state).collect()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let app = Router::new().fallback(any(requests::answer)).with_state(shared);
    let _it_only_ends_when_it_is_dropped = axum::serve(listener, app).await;
}
