//! Eyes on a broker, whichever it is. Invariant: a watcher records what it was sent, all of it and in that order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Packet, Publish, QoS, SubscribeFilter};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// User name and password.
pub(crate) type Login = (String, String);

/// What does not happen within this does not happen.
const PATIENCE: Duration = Duration::from_secs(15);

/// Large enough for whatever a test retains.
const MAX_PACKET: usize = 16 << 20;

/// Settings of a client with an id of its own.
pub(crate) fn options(addr: SocketAddr, login: Option<Login>) -> MqttOptions {
    static CLIENTS: AtomicU64 = AtomicU64::new(0);
    let id = format!("test{}x{}", std::process::id(), CLIENTS.fetch_add(1, Ordering::Relaxed));
    let mut options = MqttOptions::new(id, addr.ip().to_string(), addr.port());
    options.set_max_packet_size(MAX_PACKET, MAX_PACKET).set_keep_alive(Duration::from_secs(30));
    if let Some((username, password)) = login {
        options.set_credentials(username, password);
    }
    options
}

/// Connects and goes: whether the broker lets this login in.
pub(crate) async fn knock(addr: SocketAddr, login: Option<Login>) -> Result<(), ConnectionError> {
    let (client, mut event_loop) = AsyncClient::new(options(addr, login), 10);
    loop {
        if let Event::Incoming(Packet::ConnAck(_)) = event_loop.poll().await? {
            // Sent when it is polled again; the session ends with the connection in any case.
            let _ = client.try_disconnect();
            let _ = event_loop.poll().await;
            return Ok(());
        }
    }
}

/// What is retained below the filter: a subscription with QoS 0, and a message of our own that comes behind it all.
pub(crate) async fn retained(addr: SocketAddr, login: Option<Login>, filter: &str) -> BTreeMap<String, Vec<u8>> {
    let options = options(addr, login);
    let sentinel = format!("sentinel/{}", options.client_id());
    let (client, event_loop) = AsyncClient::new(options, 10);
    let filters = [filter, sentinel.as_str()].map(|path| SubscribeFilter::new(path.into(), QoS::AtMostOnce));
    client.subscribe_many(filters).await.expect("the queue is empty");
    timeout(PATIENCE, read_retained(client, event_loop, &sentinel)).await.expect("the retained messages end in time")
}

async fn read_retained(client: AsyncClient, mut event_loop: EventLoop, sentinel: &str) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    // A broker with a full queue drops the sentinel as it drops anything else, so it is sent until it comes.
    let mut repeat = JoinSet::new();
    loop {
        match event_loop.poll().await.expect("the broker is up") {
            Event::Incoming(Packet::SubAck(_)) => {
                let (client, sentinel) = (client.clone(), sentinel.to_owned());
                repeat.spawn(async move {
                    while client.publish(&sentinel, QoS::AtMostOnce, false, "end").await.is_ok() {
                        sleep(Duration::from_millis(250)).await;
                    }
                });
            }
            Event::Incoming(Packet::Publish(message)) if message.topic == sentinel => return found,
            Event::Incoming(Packet::Publish(message)) if message.retain => {
                found.insert(message.topic, message.payload.to_vec());
            }
            _ => {}
        }
    }
}

/// A message as a subscriber saw it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) retain: bool,
    pub(crate) qos: QoS,
}

impl Seen {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }
}

impl From<Publish> for Seen {
    fn from(message: Publish) -> Self {
        Seen { topic: message.topic, payload: message.payload, retain: message.retain, qos: message.qos }
    }
}

/// A subscriber that records every message. It comes back by itself when its connection breaks, and subscribes again.
pub(crate) struct Watcher {
    record: watch::Sender<Vec<Seen>>,
    _task: JoinSet<()>,
}

impl Watcher {
    /// Watches from now on: the broker has acknowledged the subscriptions.
    pub(crate) async fn start(addr: SocketAddr, filters: &[&str], qos: QoS) -> Watcher {
        Watcher::start_as(options(addr, None), filters, qos).await
    }

    /// The same with settings of the caller's.
    pub(crate) async fn start_as(options: MqttOptions, filters: &[&str], qos: QoS) -> Watcher {
        let filters: Vec<_> = filters.iter().map(|path| SubscribeFilter::new((*path).into(), qos)).collect();
        let record = watch::Sender::new(Vec::new());
        let subscribed = watch::Sender::new(false);
        let mut ready = subscribed.subscribe();
        let mut task = JoinSet::new();
        task.spawn(watch(options, filters, record.clone(), subscribed));
        let ready = timeout(PATIENCE, ready.wait_for(|ready| *ready)).await;
        ready.expect("the broker acknowledges the subscriptions in time").expect("the watcher lives");
        Watcher { record, _task: task }
    }

    /// Everything so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.record.borrow().clone()
    }

    /// Lets go of everything so far.
    pub(crate) fn forget(&self) {
        self.record.send_modify(Vec::clear);
    }

    /// The first recorded message of that kind, if need be after waiting for it.
    pub(crate) async fn wait_for(&self, wanted: impl Fn(&Seen) -> bool) -> Seen {
        let seen = self.wait_until(|seen| seen.iter().any(&wanted)).await;
        seen.into_iter().find(&wanted).expect("it was there")
    }

    /// The record, as soon as it is as wanted.
    pub(crate) async fn wait_until(&self, wanted: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let mut record = self.record.subscribe();
        match timeout(PATIENCE, record.wait_for(|seen| wanted(seen))).await {
            Ok(seen) => seen.expect("the watcher holds a sender").clone(),
            Err(_) => panic!("what was waited for did not come; seen: {:#?}", self.seen()),
        }
    }
}

async fn watch(
    options: MqttOptions,
    filters: Vec<SubscribeFilter>,
    record: watch::Sender<Vec<Seen>>,
    subscribed: watch::Sender<bool>,
) {
    loop {
        let (client, mut event_loop) = AsyncClient::new(options.clone(), 10);
        while let Ok(event) = event_loop.poll().await {
            match event {
                Event::Incoming(Packet::ConnAck(_)) => {
                    client.try_subscribe_many(filters.clone()).expect("the queue is empty");
                }
                Event::Incoming(Packet::SubAck(_)) => {
                    subscribed.send_replace(true);
                }
                Event::Incoming(Packet::Publish(message)) => record.send_modify(|seen| seen.push(message.into())),
                _ => {}
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
}
