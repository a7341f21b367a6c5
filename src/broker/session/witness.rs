//! A connection with another client id, beside a session that the broker closes again and again.
//!
//! A second copy with our client id and a network that cuts connections look the same from inside of the session: MQTT 3.1.1 does not tell
//! them apart, and of MQTT 5 not every broker tells. A witness does: where it outlives one session after the other, the broker and the way
//! to it are well, and it is our client id that somebody else uses.

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::dial;
use super::wire::{self, Spoken};
use crate::broker::settings::{Identity, Settings};
use crate::options::BrokerOptions;

/// Sessions that one witness must outlive. A network that cuts connections at random times would have to spare one five times in a row.
const SESSIONS: u32 = 5;

/// The witness that may stand, and what it saw.
#[derive(Debug)]
pub(super) struct Witness {
    standing: JoinSet<()>,
    /// It goes then: a session that lives longer needs none.
    until: watch::Sender<Instant>,
    outlived: u32,
}

impl Default for Witness {
    fn default() -> Self {
        Self { standing: JoinSet::new(), until: watch::Sender::new(Instant::now()), outlived: 0 }
    }
}

impl Witness {
    /// Makes a witness, unless one stands. It is connected before the session is, so that a cut by age finds it first.
    pub(super) async fn stand(&mut self, settings: &Settings, identity: &Identity, broker: &BrokerOptions) {
        let patience = settings.timing.connect;
        self.until.send_replace(Instant::now() + settings.timing.keep_alive + patience);
        if self.stands() {
            return;
        }
        let Ok(route) = dial::dial(broker, settings.ca_file.as_deref(), patience).await else { return };
        let hello = wire::hello(settings, identity, broker, &route).into_guest();
        let (sender, mut event_loop) = wire::connection(Spoken::Mqtt311, &hello);
        if !matches!(timeout(patience, event_loop.granted()).await, Ok(Ok(_))) {
            return;
        }
        let until = self.until.subscribe();
        self.standing.spawn(async move {
            // The event loop ends with its last sender, and the bytes of TLS go through the relay.
            let (_sender, _relay) = (sender, route.relay);
            let closed = async { while event_loop.poll().await.is_ok() {} };
            tokio::select! {
                () = closed => {}
                () = passed(until) => {}
            }
        });
    }

    /// The session was closed early. Returns whether that is somebody else's doing for sure.
    pub(super) fn see_closure(&mut self) -> bool {
        self.outlived = if self.stands() { self.outlived + 1 } else { 0 };
        self.outlived >= SESSIONS
    }

    fn stands(&mut self) -> bool {
        while self.standing.try_join_next().is_some() {
            self.outlived = 0;
        }
        !self.standing.is_empty()
    }
}

/// Ends when the moment has passed that can still be put off.
async fn passed(mut until: watch::Receiver<Instant>) {
    loop {
        let at = *until.borrow_and_update();
        tokio::select! {
            () = sleep_until(at) => return,
            Ok(()) = until.changed() => {}
        }
    }
}
