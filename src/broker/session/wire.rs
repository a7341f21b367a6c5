//! rumqttc's two clients behind one face: what is asked of them and what they tell, for MQTT 3.1.1 and 5 alike.
//!
//! Only this file and `signals` name rumqttc's types. An event loop serves one connection: after an error it is thrown
//! away, because the crate keeps unacknowledged requests and clears them at the next CONNACK of a clean session
//! (`docs/decisions/0006`).

use std::time::Duration;

use rumqttc::v5::mqttbytes::v5 as p5;
use rumqttc::{self as v4, QoS, v5};
use secrecy::ExposeSecret;

use super::dial::Route;
use super::error::SessionError;
use super::signals::{Grant, Signal, error_v4, error_v5, signal_v4, signal_v5};
use crate::broker::client_id;
use crate::broker::lease::Message;
use crate::broker::settings::{Identity, Settings};
use crate::credentials::Credentials;
use crate::options::BrokerOptions;

/// Packet ids go round in a ring of this size. It is far larger than the window, so that an id never comes round to
/// a message that still waits for its acknowledgement.
const PACKET_IDS: u16 = 2_048;
/// Requests that wait between the feeder and the event loop.
const REQUESTS: usize = 16;
/// Largest packet taken in: the protocol's own bound. A smaller one turns a large retained message into an endless
/// series of reconnects.
const MAX_INCOMING: usize = 268_435_455;
/// The crate panics on shorter ones.
const SHORTEST_KEEP_ALIVE_V4: Duration = Duration::from_secs(1);
const SHORTEST_KEEP_ALIVE_V5: Duration = Duration::from_secs(5);

/// What a connection is made with.
#[derive(Debug, Clone)]
pub(super) struct Hello {
    pub(super) client_id: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) credentials: Option<Credentials>,
    pub(super) keep_alive: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) will: Option<Message>,
}

/// Which MQTT a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Mqtt311,
    Mqtt5,
}

impl Hello {
    /// The same account for a short look: no will, and a client id that ends nobody's session, nor another copy's look.
    pub(super) fn into_guest(self) -> Self {
        Self { client_id: client_id::random(), will: None, ..self }
    }
}

/// What this identity says to this broker, on this way.
pub(super) fn hello(settings: &Settings, identity: &Identity, broker: &BrokerOptions, route: &Route) -> Hello {
    Hello {
        client_id: identity.client_id.clone(),
        host: route.host.clone(),
        port: route.port,
        credentials: broker.credentials.clone(),
        keep_alive: settings.timing.keep_alive,
        connect_timeout: settings.timing.connect,
        will: identity.will.clone(),
    }
}

/// The half that takes requests.
#[derive(Clone)]
pub(super) enum Sender {
    V4(v4::AsyncClient),
    V5(v5::AsyncClient),
}

/// The half that owns the socket.
pub(super) enum EventLoop {
    V4(Box<v4::EventLoop>),
    V5(Box<v5::EventLoop>),
}

/// A connection, not opened yet.
pub(super) fn connection(spoken: Spoken, hello: &Hello) -> (Sender, EventLoop) {
    match spoken {
        Spoken::Mqtt311 => v4(hello),
        Spoken::Mqtt5 => v5(hello),
    }
}

fn v4(hello: &Hello) -> (Sender, EventLoop) {
    let mut options = v4::MqttOptions::new(&hello.client_id, &hello.host, hello.port);
    options
        .set_clean_session(true)
        .set_keep_alive(hello.keep_alive.max(SHORTEST_KEEP_ALIVE_V4))
        .set_inflight(PACKET_IDS)
        .set_max_packet_size(MAX_INCOMING, MAX_INCOMING);
    if let Some(login) = &hello.credentials {
        options.set_credentials(&login.username, login.password.expose_secret());
    }
    if let Some(will) = &hello.will {
        options.set_last_will(v4::LastWill::new(&will.topic, will.payload.clone(), QoS::AtLeastOnce, will.retain));
    }
    let (client, mut event_loop) = v4::AsyncClient::new(options, REQUESTS);
    event_loop.set_network_options(network(hello));
    (Sender::V4(client), EventLoop::V4(Box::new(event_loop)))
}

fn v5(hello: &Hello) -> (Sender, EventLoop) {
    let mut options = v5::MqttOptions::new(&hello.client_id, &hello.host, hello.port);
    let incoming = u32::try_from(MAX_INCOMING).ok();
    options
        .set_clean_start(true)
        .set_keep_alive(hello.keep_alive.max(SHORTEST_KEEP_ALIVE_V5))
        .set_connection_timeout(hello.connect_timeout.as_secs().max(1))
        .set_outgoing_inflight_upper_limit(PACKET_IDS)
        .set_max_packet_size(incoming);
    options.set_network_options(network(hello));
    if let Some(login) = &hello.credentials {
        options.set_credentials(&login.username, login.password.expose_secret());
    }
    if let Some(will) = &hello.will {
        let topic = will.topic.clone();
        options.set_last_will(p5::LastWill::new(
            topic,
            will.payload.clone(),
            v5::mqttbytes::QoS::AtLeastOnce,
            will.retain,
            None,
        ));
    }
    let (client, event_loop) = v5::AsyncClient::new(options, REQUESTS);
    (Sender::V5(client), EventLoop::V5(Box::new(event_loop)))
}

fn network(hello: &Hello) -> v4::NetworkOptions {
    let mut network = v4::NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(hello.connect_timeout.as_secs().max(1));
    network
}

/// The event loop is gone, and with it the connection.
#[derive(Debug)]
pub(super) struct Gone;

impl Sender {
    pub(super) async fn publish(&self, message: Message, at_least_once: bool) -> Result<(), Gone> {
        let Message { topic, payload, retain } = message;
        match self {
            Self::V4(client) => {
                let qos = if at_least_once { QoS::AtLeastOnce } else { QoS::AtMostOnce };
                client.publish(topic, qos, retain, payload).await.map_err(|_| Gone)
            }
            Self::V5(client) => {
                use v5::mqttbytes::QoS;
                let qos = if at_least_once { QoS::AtLeastOnce } else { QoS::AtMostOnce };
                client.publish(topic, qos, retain, payload).await.map_err(|_| Gone)
            }
        }
    }

    /// Subscribes at QoS 1 or, for what may come in thousands, at QoS 0, which no queue of the broker cuts short.
    pub(super) async fn subscribe(&self, filter: &str, at_least_once: bool) -> Result<(), Gone> {
        match self {
            Self::V4(client) => {
                let qos = if at_least_once { QoS::AtLeastOnce } else { QoS::AtMostOnce };
                client.subscribe(filter, qos).await.map_err(|_| Gone)
            }
            Self::V5(client) => {
                use v5::mqttbytes::QoS;
                let qos = if at_least_once { QoS::AtLeastOnce } else { QoS::AtMostOnce };
                client.subscribe(filter, qos).await.map_err(|_| Gone)
            }
        }
    }

    pub(super) async fn unsubscribe(&self, filter: &str) -> Result<(), Gone> {
        match self {
            Self::V4(client) => client.unsubscribe(filter).await.map_err(|_| Gone),
            Self::V5(client) => client.unsubscribe(filter).await.map_err(|_| Gone),
        }
    }

    pub(super) async fn disconnect(&self) -> Result<(), Gone> {
        match self {
            Self::V4(client) => client.disconnect().await.map_err(|_| Gone),
            Self::V5(client) => client.disconnect().await.map_err(|_| Gone),
        }
    }
}

impl EventLoop {
    /// The next thing that happens. Not cancel safe: whoever gives up waiting must drop the event loop.
    pub(super) async fn poll(&mut self) -> Result<Signal, SessionError> {
        match self {
            Self::V4(event_loop) => match event_loop.poll().await {
                Ok(event) => signal_v4(event),
                Err(error) => Err(error_v4(error)),
            },
            Self::V5(event_loop) => match event_loop.poll().await {
                Ok(event) => signal_v5(event),
                Err(error) => Err(error_v5(error)),
            },
        }
    }

    /// Opens the connection; returns at the CONNACK.
    pub(super) async fn granted(&mut self) -> Result<Grant, SessionError> {
        loop {
            if let Signal::Connected(grant) = self.poll().await? {
                return Ok(grant);
            }
        }
    }

    /// The acknowledgements that were read before the connection broke: they count.
    pub(super) fn last_signals(&mut self) -> Vec<Signal> {
        match self {
            Self::V4(event_loop) => event_loop.state.events.drain(..).filter_map(|e| signal_v4(e).ok()).collect(),
            Self::V5(event_loop) => event_loop.state.events.drain(..).filter_map(|e| signal_v5(e).ok()).collect(),
        }
    }

    pub(super) fn protocol(&self) -> &'static str {
        match self {
            Self::V4(_) => "3.1.1",
            Self::V5(_) => "5",
        }
    }
}
