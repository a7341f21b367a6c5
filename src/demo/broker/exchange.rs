//! Who is connected and who gets which message. Invariant: one client id has one connection, and a will is published
//! at most once.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{LastWill, Packet, Publish, SubAck, Subscribe, SubscribeReasonCode};
use tokio_util::sync::CancellationToken;

use super::mailbox::{Mailbox, Occasion};
use super::retained::Retained;
use super::topics;

/// A client that has been welcomed.
pub(super) struct Client {
    /// Tells this connection from an earlier or later one with the same client id.
    pub(super) serial: u64,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) will: Option<LastWill>,
    pub(super) cut: CancellationToken,
    pub(super) subscriptions: BTreeMap<String, QoS>,
}

#[derive(Default)]
pub(super) struct Exchange {
    state: Mutex<State>,
    dropped: AtomicU64,
}

#[derive(Default)]
struct State {
    retained: Retained,
    clients: HashMap<String, Client>,
}

impl Exchange {
    /// Lets a client in, unless its connection is cut already. An earlier connection with its id is closed first, and
    /// its will published.
    pub(super) fn enter(&self, id: String, client: Client) {
        let mut state = self.lock();
        if client.cut.is_cancelled() {
            return;
        }
        if let Some(earlier) = state.clients.remove(&id) {
            self.turn_out(&mut state, earlier);
        }
        state.clients.insert(id, client);
    }

    /// A connection has ended: on purpose, or not, and then its will is published.
    pub(super) fn leave(&self, id: &str, serial: u64, on_purpose: bool) {
        let mut state = self.lock();
        if state.clients.get(id).is_none_or(|client| client.serial != serial) {
            return;
        }
        let Some(mut client) = state.clients.remove(id) else { return };
        if on_purpose {
            client.will = None;
        }
        self.turn_out(&mut state, client);
    }

    /// Cuts every connection and ends its session as an abnormal one.
    pub(super) fn turn_all_out(&self, everybody: &CancellationToken) {
        let mut state = self.lock();
        everybody.cancel();
        let clients = std::mem::take(&mut state.clients);
        for client in clients.into_values() {
            self.turn_out(&mut state, client);
        }
    }

    /// Cuts every connection and loses its session as a crash does it: without wills.
    pub(super) fn lose_all(&self, everybody: &CancellationToken) {
        let mut state = self.lock();
        everybody.cancel();
        state.clients.clear();
    }

    /// Adds the subscriptions, queues their SUBACK and, behind it as Mosquitto does, what is retained for them.
    /// False: the client sends without ever reading.
    pub(super) fn subscribe(&self, id: &str, request: Subscribe) -> bool {
        let mut state = self.lock();
        let State { retained, clients } = &mut *state;
        let Some(client) = clients.get_mut(id) else { return true };
        let granted: Vec<(String, QoS)> =
            request.filters.into_iter().map(|filter| (filter.path, lower(filter.qos, QoS::AtLeastOnce))).collect();
        let return_codes = granted.iter().map(|(_, qos)| SubscribeReasonCode::Success(*qos)).collect();
        let bearable = client.mailbox.answer(Packet::SubAck(SubAck { pkid: request.pkid, return_codes }));
        for (filter, qos) in granted {
            for message in retained.matching(&filter) {
                self.hand_over(&client.mailbox, message, qos, Occasion::Replay);
            }
            client.subscriptions.insert(filter, qos);
        }
        bearable
    }

    pub(super) fn unsubscribe(&self, id: &str, filters: &[String]) {
        if let Some(client) = self.lock().clients.get_mut(id) {
            client.subscriptions.retain(|filter, _| !filters.contains(filter));
        }
    }

    /// Keeps the message if it is retained, and queues it for every subscriber.
    pub(super) fn publish(&self, message: Publish) {
        self.route(&mut self.lock(), message);
    }

    pub(super) fn forget(&self) {
        self.lock().retained.forget();
    }

    pub(super) fn retained(&self) -> BTreeMap<String, Bytes> {
        self.lock().retained.snapshot()
    }

    pub(super) fn clients(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.lock().clients.keys().cloned().collect();
        ids.sort();
        ids
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn turn_out(&self, state: &mut State, client: Client) {
        client.cut.cancel();
        if let Some(will) = client.will {
            let message = Publish {
                dup: false,
                qos: will.qos,
                retain: will.retain,
                topic: will.topic,
                pkid: 0,
                payload: will.message,
            };
            self.route(state, message);
        }
    }

    fn route(&self, state: &mut State, mut message: Publish) {
        if message.retain {
            state.retained.keep(&message);
        }
        message.retain = false;
        message.dup = false;
        for client in state.clients.values() {
            let best = client
                .subscriptions
                .iter()
                .filter(|(filter, _)| topics::matches(filter, &message.topic))
                .map(|(_, qos)| *qos)
                .reduce(higher);
            if let Some(granted) = best {
                self.hand_over(&client.mailbox, message.clone(), granted, Occasion::Live);
            }
        }
    }

    fn hand_over(&self, mailbox: &Mailbox, mut message: Publish, granted: QoS, occasion: Occasion) {
        message.qos = lower(message.qos, granted);
        message.pkid = 0;
        if !mailbox.deliver(message, occasion) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn higher(one: QoS, other: QoS) -> QoS {
    if one < other { other } else { one }
}

fn lower(one: QoS, other: QoS) -> QoS {
    if one < other { one } else { other }
}
