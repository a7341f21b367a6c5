//! A small MQTT 3.1.1 broker on loopback, for `camera-herald demo` and for tests, that can misbehave on request.
//! Invariant: every task of a broker ends with its [`Broker`].
//!
//! It keeps no sessions: each connection starts clean. QoS 2 is taken in and delivered as QoS 1.

mod acks;
mod config;
mod connection;
mod exchange;
mod faults;
mod incoming;
mod listener;
mod mailbox;
mod observed;
mod outgoing;
mod retained;
mod shared;
mod topics;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Login, Publish};
use tokio::sync::Mutex;
use tokio_util::sync::DropGuard;

pub use config::Config;
pub use faults::{ConnectFault, Cut, Faults};
pub use observed::{Received, Session};

use listener::Door;
use shared::Shared;

/// A running broker. Dropping it ends all its tasks; [`Broker::stop`] also waits for their end.
pub struct Broker {
    shared: Arc<Shared>,
    addr: SocketAddr,
    door: Mutex<Option<Door>>,
    _stop: DropGuard,
}

impl Broker {
    /// Binds 127.0.0.1 and serves from now on. Needs a tokio runtime around it.
    pub fn start(config: Config) -> io::Result<Broker> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, config.port));
        let shared = Arc::new(Shared::new(config));
        let (door, addr) = Door::open(wanted, &shared)?;
        Ok(Broker { _stop: shared.stop.clone().drop_guard(), shared, addr, door: Mutex::new(Some(door)) })
    }

    /// Where clients connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends everything and waits until it has ended. Wills of connected clients are not published.
    pub async fn stop(&self) {
        self.shared.exchange.lose_all(&self.shared.stop);
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// Stops listening; present connections stay.
    pub async fn close(&self) {
        if let Some(door) = self.door.lock().await.take() {
            door.close().await;
        }
    }

    /// Listens again on the same port.
    pub async fn open(&self) -> io::Result<()> {
        let mut door = self.door.lock().await;
        if door.is_none() {
            let (opened, _) = Door::open(self.addr, &self.shared)?;
            *door = Some(opened);
        }
        Ok(())
    }

    /// Cuts the TCP connections of all clients, as a network does: their wills are published.
    pub fn drop_connections(&self) {
        self.shared.exchange.turn_all_out(&self.shared.replace_everybody());
    }

    /// Stops listening and cuts all clients without their wills, as `kill -9` does. [`Broker::open`] starts again with
    /// the retained messages, unless [`Broker::forget`] comes between.
    pub async fn crash(&self) {
        self.close().await;
        self.shared.exchange.lose_all(&self.shared.replace_everybody());
    }

    /// Empties the retained store, and tells nobody.
    pub fn forget(&self) {
        self.shared.exchange.forget();
    }

    /// Asks every later client for this user name and password, or for none.
    pub fn set_password(&self, login: Option<(&str, &str)>) {
        self.shared.set_login(login.map(|(username, password)| Login::new(username, password)));
    }

    /// Publishes as another client would, with QoS 1.
    pub fn publish(&self, topic: &str, payload: impl Into<Bytes>, retain: bool) {
        let mut message = Publish::from_bytes(topic, QoS::AtLeastOnce, payload.into());
        message.retain = retain;
        self.shared.exchange.publish(message);
    }

    /// Changes what goes wrong from now on.
    pub fn fault(&self, change: impl FnOnce(&mut Faults)) {
        self.shared.faults.send_modify(change);
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.shared.faults.send_replace(Faults::default());
    }

    /// The retained messages by topic.
    pub fn retained(&self) -> BTreeMap<String, Bytes> {
        self.shared.exchange.retained()
    }

    /// The client ids of the sessions that are up.
    pub fn clients(&self) -> Vec<String> {
        self.shared.exchange.clients()
    }

    /// Open TCP connections, welcomed or not.
    pub fn connections(&self) -> usize {
        self.shared.observed.connections()
    }

    /// The largest number of connections that were open at one time.
    pub fn peak_connections(&self) -> usize {
        self.shared.observed.peak_connections()
    }

    /// Every CONNECT so far, in order.
    pub fn sessions(&self) -> Vec<Session> {
        self.shared.observed.sessions()
    }

    /// How many PUBLISHes came in from clients.
    pub fn published(&self) -> u64 {
        self.shared.observed.published()
    }

    /// How many messages did not fit into a subscriber's queue.
    pub fn dropped(&self) -> u64 {
        self.shared.exchange.dropped()
    }

    /// Begins the log of received PUBLISHes afresh, or ends it.
    pub fn record(&self, on: bool) {
        self.shared.observed.record(on);
    }

    /// The received PUBLISHes since [`Broker::record`], in order.
    pub fn log(&self) -> Vec<Received> {
        self.shared.observed.log()
    }
}
