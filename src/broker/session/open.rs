//! Opening a connection: credentials, the way to the broker, what it allows, CONNACK.

use std::io;

use tokio::task::JoinSet;

use super::dial::{self, Route};
use super::error::SessionError;
use super::memory::{Memory, Trouble};
use super::scout::{self, Allowance};
use super::wire::{self, EventLoop, Grant, Hello, Sender, Signal};
use crate::broker::settings::{Identity, Settings};
use crate::options::{BrokerOptions, Protocol};

/// An open connection.
pub(super) struct Opened {
    pub(super) sender: Sender,
    pub(super) event_loop: EventLoop,
    pub(super) grant: Grant,
    pub(super) allowance: Allowance,
    pub(super) broker: BrokerOptions,
    /// Carries the bytes of a TLS connection; must live as long as it.
    pub(super) relay: JoinSet<io::Result<()>>,
}

/// From credentials to CONNACK. May be given up at any moment: nothing is queued yet.
pub(super) async fn open(settings: &Settings, identity: &Identity, memory: &mut Memory) -> Result<Opened, Trouble> {
    let broker = memory.credentials(&settings.source).await.map_err(Trouble::Supervisor)?;
    let allowance = allowance(settings, identity, memory, &broker).await;
    let opened = connect(settings, identity, broker, allowance).await;
    if opened.is_err() {
        memory.not_opened();
    }
    opened.map_err(Trouble::Broker)
}

pub(super) async fn connect(
    settings: &Settings,
    identity: &Identity,
    broker: BrokerOptions,
    allowance: Allowance,
) -> Result<Opened, SessionError> {
    let timing = &settings.timing;
    let route = dial::dial(&broker, settings.ca_file.as_deref(), timing.connect).await?;
    let hello = hello(settings, identity, &broker, &route);
    let (sender, mut event_loop) = match settings.protocol {
        Protocol::Auto | Protocol::V311 => wire::v4(&hello),
        Protocol::V5 => wire::v5(&hello),
    };
    let grant = loop {
        match event_loop.poll().await.map_err(|error| error.while_connecting(&dial::name(&broker)))? {
            Signal::Connected(grant) => break grant,
            _ => continue,
        }
    };
    Ok(Opened { sender, event_loop, grant, allowance, broker, relay: route.relay })
}

fn hello(settings: &Settings, identity: &Identity, broker: &BrokerOptions, route: &Route) -> Hello {
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

/// What the broker allows: looked up once per broker and user, before the first session with it.
pub(super) async fn allowance(
    settings: &Settings,
    identity: &Identity,
    memory: &mut Memory,
    broker: &BrokerOptions,
) -> Allowance {
    let user = broker.credentials.as_ref().map_or("", |credentials| credentials.username.as_str());
    let key = format!("{user}@{}", dial::name(broker));
    if let Some((known, allowance)) = &memory.allowance
        && *known == key
    {
        return allowance.clone();
    }
    if settings.protocol != Protocol::Auto {
        return Allowance::default();
    }
    let Ok(route) = dial::dial(broker, settings.ca_file.as_deref(), settings.timing.connect).await else {
        return Allowance::default();
    };
    let hello = hello(settings, identity, broker, &route);
    match scout::look(hello, &identity.trial_topics, settings.timing.connect).await {
        Some(allowance) => {
            memory.allowance = Some((key, allowance.clone()));
            allowance
        }
        None => Allowance::default(),
    }
}
