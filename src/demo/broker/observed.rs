//! What tests may ask about the past. Invariant: observing changes nothing, and no log grows without bound.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, LastWill, Publish};

/// Older entries make room for newer ones beyond this.
const LOG_BOUND: usize = 100_000;

/// One CONNECT that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// As the client gave it; empty if the protocol level is not 4.
    pub client_id: String,
    /// Whether the client asked for a clean session.
    pub clean_session: bool,
    /// 4 is MQTT 3.1.1, 5 is MQTT 5.
    pub protocol_level: u8,
    /// What is to be published when the client vanishes.
    pub will: Option<LastWill>,
    /// As the client gave it; zero is none.
    pub keep_alive: Duration,
    /// The name that the client logged in with.
    pub username: Option<String>,
    /// The broker's answer; none if a fault swallowed it.
    pub code: Option<ConnectReturnCode>,
}

impl Session {
    pub(super) fn new(connect: &Connect, code: Option<ConnectReturnCode>) -> Self {
        Session {
            client_id: connect.client_id.clone(),
            clean_session: connect.clean_session,
            protocol_level: 4,
            will: connect.last_will.clone(),
            keep_alive: Duration::from_secs(connect.keep_alive.into()),
            username: connect.login.as_ref().map(|login| login.username.clone()),
            code,
        }
    }

    pub(super) fn of_another_protocol(protocol_level: u8) -> Self {
        Session {
            client_id: String::new(),
            clean_session: false,
            protocol_level,
            will: None,
            keep_alive: Duration::ZERO,
            username: None,
            code: Some(ConnectReturnCode::RefusedProtocolVersion),
        }
    }
}

/// One PUBLISH that came in, as the client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Who sent it.
    pub client_id: String,
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Bytes,
    /// Its QoS.
    pub qos: QoS,
    /// Whether it is to be retained.
    pub retain: bool,
    /// Whether the client says that it sends it again.
    pub dup: bool,
}

#[derive(Default)]
pub(super) struct Observed(Mutex<Logs>);

#[derive(Default)]
struct Logs {
    sessions: VecDeque<Session>,
    published: u64,
    recording: bool,
    log: VecDeque<Received>,
    connections: usize,
    peak_connections: usize,
}

impl Observed {
    pub(super) fn session(&self, session: Session) {
        push(&mut self.lock().sessions, session);
    }

    pub(super) fn received(&self, client_id: &str, message: &Publish) {
        let mut logs = self.lock();
        logs.published += 1;
        if logs.recording {
            let received = Received {
                client_id: client_id.to_owned(),
                topic: message.topic.clone(),
                payload: Bytes::copy_from_slice(&message.payload),
                qos: message.qos,
                retain: message.retain,
                dup: message.dup,
            };
            push(&mut logs.log, received);
        }
    }

    pub(super) fn opened(&self) {
        let mut logs = self.lock();
        logs.connections += 1;
        logs.peak_connections = logs.peak_connections.max(logs.connections);
    }

    pub(super) fn closed(&self) {
        self.lock().connections -= 1;
    }

    pub(super) fn record(&self, on: bool) {
        let mut logs = self.lock();
        logs.recording = on;
        logs.log.clear();
    }

    pub(super) fn sessions(&self) -> Vec<Session> {
        self.lock().sessions.iter().cloned().collect()
    }

    pub(super) fn log(&self) -> Vec<Received> {
        self.lock().log.iter().cloned().collect()
    }

    pub(super) fn published(&self) -> u64 {
        self.lock().published
    }

    pub(super) fn connections(&self) -> usize {
        self.lock().connections
    }

    pub(super) fn peak_connections(&self) -> usize {
        self.lock().peak_connections
    }

    fn lock(&self) -> MutexGuard<'_, Logs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push<T>(log: &mut VecDeque<T>, entry: T) {
    if log.len() == LOG_BOUND {
        log.pop_front();
    }
    log.push_back(entry);
}
