//! What all connections of one broker share. Invariant: whoever was connected when everybody is cut, is cut.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rumqttc::mqttbytes::v4::Login;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::Config;
use super::exchange::Exchange;
use super::faults::{Faults, Gate};
use super::observed::Observed;

pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) exchange: Exchange,
    pub(super) observed: Observed,
    pub(super) faults: watch::Sender<Faults>,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    /// Parent of the tokens of all present connections; replaced when it is used.
    everybody: Mutex<CancellationToken>,
    login: Mutex<Option<Login>>,
    serials: AtomicU64,
    pubacks: AtomicU64,
}

impl Shared {
    pub(super) fn new(config: Config) -> Self {
        let stop = CancellationToken::new();
        Shared {
            exchange: Exchange::default(),
            observed: Observed::default(),
            faults: watch::Sender::new(Faults::default()),
            tasks: TaskTracker::new(),
            everybody: Mutex::new(stop.child_token()),
            stop,
            login: Mutex::new(config.login.clone().map(|(username, password)| Login { username, password })),
            serials: AtomicU64::new(0),
            pubacks: AtomicU64::new(0),
            config,
        }
    }

    pub(super) fn gate(&self) -> Gate {
        Gate::new(self.faults.subscribe())
    }

    /// The token of a new connection.
    pub(super) fn cut_token(&self) -> CancellationToken {
        lock(&self.everybody).child_token()
    }

    /// A token above all present connections; later ones get another.
    pub(super) fn replace_everybody(&self) -> CancellationToken {
        std::mem::replace(&mut *lock(&self.everybody), self.stop.child_token())
    }

    pub(super) fn set_login(&self, login: Option<Login>) {
        *lock(&self.login) = login;
    }

    pub(super) fn admits(&self, login: Option<&Login>) -> bool {
        match &*lock(&self.login) {
            None => true,
            wanted => wanted.as_ref() == login,
        }
    }

    pub(super) fn next_serial(&self) -> u64 {
        self.serials.fetch_add(1, Ordering::Relaxed)
    }

    /// The number of this PUBACK among all, beginning with 1.
    pub(super) fn count_puback(&self) -> u64 {
        self.pubacks.fetch_add(1, Ordering::Relaxed) + 1
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
