//! A session without the rest of the program.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use camera_herald::broker::{
    Ack, Handle, Identity, Inbox, Lease, LinkLost, LinkState, Message, Session, Settings, Subscription, Timing, Up,
};
use camera_herald::credentials::Credentials;
use camera_herald::options::{BrokerOptions, MqttOptions, Protocol};
use camera_herald::supervisor::CredentialSource;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::herald::PATIENCE;

/// A running session and everything that it gives.
pub(crate) struct Link {
    pub(crate) handle: Handle,
    pub(crate) inbox: Inbox,
    pub(crate) task: JoinSet<()>,
}

/// Waits that let a thousand reconnects fit into a test.
pub(crate) fn quick() -> Timing {
    Timing {
        first_wait: Duration::from_millis(5),
        longest_wait: Duration::from_millis(40),
        look: Duration::from_millis(10),
        ..Timing::default()
    }
}

pub(crate) fn options(broker: SocketAddr) -> MqttOptions {
    let broker = BrokerOptions { host: broker.ip().to_string(), port: broker.port(), credentials: None, tls: false };
    MqttOptions { broker: Some(broker), ..MqttOptions::default() }
}

pub(crate) fn with_login(mut options: MqttOptions, username: &str, password: &str) -> MqttOptions {
    let credentials = Credentials { username: username.to_owned(), password: password.into() };
    options.broker.as_mut().expect("the broker is named").credentials = Some(credentials);
    options
}

pub(crate) fn settings(options: &MqttOptions, timing: Timing) -> Settings {
    Settings {
        source: CredentialSource::from_options(options, None),
        protocol: options.protocol,
        ca_file: options.ca_file.clone(),
        timing,
    }
}

pub(crate) fn identity(client_id: &str) -> Identity {
    Identity {
        client_id: client_id.to_owned(),
        will: Some(Message::retained("t/status", "offline")),
        scan_topic: "t/bridge/scan".to_owned(),
        trial_topics: vec!["t/bridge/trial".to_owned()],
    }
}

/// Makes a session for the tests: it hears `x` and `stop` of what comes under `in/`.
pub(crate) fn session(settings: Settings, client_id: &str) -> (Session, Handle, Inbox) {
    let all = Subscription { filter: "in/#".to_owned(), at_least_once: true, words: &["x", "stop"], places: 4_096 };
    let inbox = Inbox::new(vec![all]);
    let (session, handle) = Session::new(settings, identity(client_id), inbox.clone());
    (session, handle, inbox)
}

impl Link {
    pub(crate) fn start(settings: Settings) -> Self {
        Self::start_as(settings, "link")
    }

    pub(crate) fn start_as(settings: Settings, client_id: &str) -> Self {
        let (session, handle, inbox) = session(settings, client_id);
        let mut task = JoinSet::new();
        task.spawn(session.run());
        Self { handle, inbox, task }
    }

    /// A session with the broker at this address, protocol auto, quick.
    pub(crate) fn with(broker: SocketAddr) -> Self {
        Self::start(settings(&options(broker), quick()))
    }

    /// The same with this protocol.
    pub(crate) fn speaking(broker: SocketAddr, protocol: Protocol) -> Self {
        let options = MqttOptions { protocol, ..options(broker) };
        Self::start(settings(&options, quick()))
    }

    /// Waits for an epoch above this one.
    pub(crate) async fn up_after(&self, epoch: u64) -> Up {
        let mut link = self.handle.link();
        let newer = |state: &LinkState| state.epoch().is_some_and(|now| now > epoch);
        let waited = timeout(PATIENCE, link.wait_for(newer)).await;
        match waited.unwrap_or_else(|_| panic!("no epoch above {epoch}: {:?}", self.handle.link().borrow())) {
            Ok(state) => match &*state {
                LinkState::Up(lease) => (**lease).clone(),
                LinkState::Down { .. } => unreachable!("it was waited for"),
            },
            Err(_) => panic!("the session ended"),
        }
    }

    pub(crate) async fn up(&self) -> Up {
        self.up_after(0).await
    }

    /// Waits until the link is down for this kind of cause, and returns the sentence.
    pub(crate) async fn down_because(&self, kind: &str) -> String {
        let mut link = self.handle.link();
        let down = |state: &LinkState| matches!(state, LinkState::Down { cause, .. } if cause.kind.word() == kind);
        let waited = timeout(PATIENCE, link.wait_for(down)).await;
        match waited.unwrap_or_else(|_| panic!("never down for {kind}: {:?}", self.handle.link().borrow())) {
            Ok(state) => match &*state {
                LinkState::Down { cause, .. } => cause.text.clone(),
                LinkState::Up(_) => unreachable!("it was waited for"),
            },
            Err(_) => panic!("the session ended"),
        }
    }

    /// The right to send now.
    pub(crate) fn lease(&self) -> Result<Lease, LinkLost> {
        self.handle.lease().ok_or(LinkLost)
    }

    /// Sends and waits for the acknowledgement: whether the broker took it.
    pub(crate) async fn publish(&self, message: Message) -> Result<bool, LinkLost> {
        self.lease()?.publish(message).await
    }

    /// Sends; the acknowledgement comes later.
    pub(crate) async fn send(&self, message: Message) -> Result<Ack, LinkLost> {
        Ok(self.lease()?.send(message).await?.expect("it is not too large"))
    }

    /// What the broker holds under a filter.
    pub(crate) async fn scan(&self, filter: &str) -> Result<BTreeSet<String>, LinkLost> {
        self.lease()?.scan(filter, |_, _| true).await
    }

    /// Drops the handle and waits for the session's end.
    pub(crate) async fn stop(self) {
        let Self { handle, mut task, .. } = self;
        drop(handle);
        timeout(PATIENCE, task.join_next()).await.expect("the session ends in time");
    }
}
