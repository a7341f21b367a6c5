//! The session task: the only owner of rumqttc's event loop and the only sender of the link's state.
//!
//! It asks for credentials, connects, serves the connection, and starts over with a fresh one when that ends, for
//! ever. It never gives up and never blocks on its readers.

mod allowance;
pub(crate) mod check;
mod closures;
mod connection;
mod dial;
mod error;
mod open;
mod question;
mod reconnect;
mod scan;
mod signals;
mod traffic;
mod wait;
mod window;
mod wire;
mod witness;

use std::convert::Infallible;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use connection::{Connection, Context, Ended};
use open::{Opened, open};
use reconnect::{LinkError, Reconnect};
use wait::wait;

use super::cause::{Cause, CauseKind};
use super::handle::Handle;
use super::inbox::Inbox;
use super::lease::Lease;
use super::link::{LinkState, Up};
use super::settings::{Identity, Settings};

/// Requests that wait for a connection. Those who send wait when it is full, which paces them.
const QUEUE: usize = 64;

/// The task. Make it, give its handle away, then run it.
pub struct Session {
    settings: Settings,
    identity: Identity,
    inbox: Inbox,
    /// Open as long as somebody holds a handle.
    holds: mpsc::Receiver<Infallible>,
    link: watch::Sender<LinkState>,
    reconnect: Reconnect,
}

impl Session {
    /// A session that is not connected and will put what it receives into the inbox, and the first hold on it.
    #[must_use]
    pub fn new(settings: Settings, identity: Identity, inbox: Inbox) -> (Self, Handle) {
        let (hold, holds) = mpsc::channel(1);
        let cause = Cause::new(CauseKind::Starting, "the link to the broker is being made");
        let (link, link_state) = watch::channel(LinkState::Down { cause, since: Timestamp::now() });
        let reconnect = Reconnect::new(&settings.timing);
        let session = Self { settings, identity, inbox, holds, link, reconnect };
        (session, Handle::new(hold, link_state))
    }

    /// Connects and serves until the last handle is dropped.
    pub async fn run(mut self) {
        loop {
            let error = tokio::select! {
                opened = open(&self.settings, &self.identity, &mut self.reconnect) => match opened {
                    Ok(opened) => match self.serve(opened).await {
                        Ended::Stopped => break,
                        Ended::Lost { error, largest } => {
                            LinkError::Broker(self.reconnect.learn(error, largest, &mut self.identity))
                        }
                    },
                    Err(error) => error,
                },
                () = let_go(&mut self.holds) => break,
            };
            self.note(&error);
            tokio::select! {
                () = wait(&self.settings, &mut self.reconnect, &error) => {}
                () = let_go(&mut self.holds) => break,
            }
        }
        let cause = Cause::new(CauseKind::Stopped, "Camera Herald has stopped");
        self.link.send_replace(LinkState::Down { cause, since: Timestamp::now() });
    }

    async fn serve(&mut self, opened: Opened) -> Ended {
        let Opened { sender, event_loop, grant, allowance, broker, relay } = opened;
        let told = grant.max_packet.or(allowance.max_packet);
        self.reconnect.epoch += 1;
        let up = Up {
            epoch: self.reconnect.epoch,
            broker: dial::name(&broker),
            protocol: event_loop.protocol(),
            max_packet: self.reconnect.max_packet(&broker, told),
            refused_topics: allowance.refused_topics,
            last_error: self.reconnect.last_error.clone(),
            since: Timestamp::now(),
        };
        tracing::info!(broker = up.broker, protocol = up.protocol, epoch = up.epoch, "Connected to the broker");
        for topic in &up.refused_topics {
            tracing::warn!(
                topic,
                "The broker's access rules forbid us to publish here; allow it to Camera Herald's user"
            );
        }
        let began = Instant::now();
        let (sends, mut requests) = mpsc::channel(QUEUE);
        let context = Context {
            lease: Lease::new(up, sends),
            in_flight: grant.in_flight,
            timing: &self.settings.timing,
            inbox: &self.inbox,
            scan_topic: &self.identity.scan_topic,
            link: &self.link,
        };
        let ended = Connection::new(sender, context).serve(event_loop, &mut requests, &mut self.holds).await;
        if matches!(ended, Ended::Stopped) {
            dial::hang_up(relay, self.settings.timing.connect).await;
        }
        self.reconnect.judge(began.elapsed(), &self.settings.timing, &ended);
        ended
    }

    /// Writes the link's state and logs once per change of it.
    fn note(&mut self, error: &LinkError) {
        let cause = error.cause();
        self.reconnect.last_error = Some(cause.text.clone());
        let known = match &*self.link.borrow() {
            LinkState::Down { cause: before, .. } => before.kind == cause.kind,
            LinkState::Up(_) => false,
        };
        if known {
            tracing::debug!(cause = cause.kind.word(), "Still waiting for the broker: {cause}");
        } else {
            tracing::warn!(cause = cause.kind.word(), "Waiting for the broker: {cause}");
        }
        self.link.send_if_modified(|link| match link {
            LinkState::Down { cause: before, .. } if *before == cause => false,
            LinkState::Down { cause: before, .. } => {
                *before = cause;
                true
            }
            LinkState::Up(_) => {
                *link = LinkState::Down { cause, since: Timestamp::now() };
                true
            }
        });
    }
}

/// Ends when all handles are gone.
async fn let_go(holds: &mut mpsc::Receiver<Infallible>) {
    while holds.recv().await.is_some() {}
}
