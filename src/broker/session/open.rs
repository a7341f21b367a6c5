//! Opening a connection: credentials, the way to the broker, what it allows, CONNACK.

use std::io;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::allowance::{self, Allowance};
use super::dial;
use super::error::SessionError;
use super::reconnect::{LinkError, Reconnect};
use super::signals::Grant;
use super::wire::{self, EventLoop, Sender, Spoken};
use crate::broker::settings::{Identity, Settings};
use crate::options::{BrokerOptions, Protocol};
use crate::supervisor::SupervisorError;

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
pub(super) async fn open(
    settings: &Settings,
    identity: &Identity,
    reconnect: &mut Reconnect,
) -> Result<Opened, LinkError> {
    loop {
        let Some(broker) = reconnect.broker.clone() else {
            reconnect.question.ask(&settings.source);
            let answer = reconnect.question.answer().await;
            reconnect.first(answer).map_err(LinkError::Supervisor)?;
            continue;
        };
        if std::mem::take(&mut reconnect.ask) {
            reconnect.question.ask(&settings.source);
        }
        if let Some(outcome) = try_known(settings, identity, reconnect, broker).await {
            return outcome;
        }
    }
}

/// Tries the known credentials; `None` when there are others to be tried in their place.
async fn try_known(
    settings: &Settings,
    identity: &Identity,
    reconnect: &mut Reconnect,
    broker: BrokerOptions,
) -> Option<Result<Opened, LinkError>> {
    match race(settings, identity, reconnect, &broker).await {
        Raced::Told(other) => {
            reconnect.broker = Some(other);
            None
        }
        Raced::Opened(opened) => Some(Ok(*opened)),
        Raced::Failed(error) => {
            reconnect.not_opened();
            if matches!(error, LinkError::Supervisor(_)) {
                reconnect.broker = None;
            }
            Some(Err(error))
        }
    }
}

enum Raced {
    Opened(Box<Opened>),
    Failed(LinkError),
    /// The source tells other credentials than those that are tried.
    Told(BrokerOptions),
}

/// The try, and the source beside it: the broker may be fine while the Supervisor hangs.
async fn race(settings: &Settings, identity: &Identity, reconnect: &mut Reconnect, broker: &BrokerOptions) -> Raced {
    let Reconnect { question, allowances, closed_early, witness, .. } = reconnect;
    let attempt = async {
        let allowance = match settings.protocol {
            Protocol::Auto => allowances.of(settings, identity, broker).await,
            Protocol::V311 | Protocol::V5 => Some(Allowance::default()),
        };
        if closed_early.is_doubtful() {
            witness.stand(settings, identity, broker).await;
        }
        connect(settings, identity, broker, allowance).await
    };
    tokio::pin!(attempt);
    let mut withdrawn = false;
    loop {
        tokio::select! {
            outcome = &mut attempt => return match outcome {
                Ok(opened) => Raced::Opened(Box::new(opened)),
                // The broker was taken out or stops: that is what somebody has to know.
                Err(_) if withdrawn => Raced::Failed(LinkError::Supervisor(SupervisorError::ServiceNotEnabled)),
                Err(error) => Raced::Failed(LinkError::Broker(error)),
            },
            answer = question.answer() => match answer {
                Ok(told) if told != *broker => return Raced::Told(told),
                Ok(_) => withdrawn = false,
                Err(error) => withdrawn = error == SupervisorError::ServiceNotEnabled,
            }
        }
    }
}

/// Connects with our will.
pub(super) async fn connect(
    settings: &Settings,
    identity: &Identity,
    broker: &BrokerOptions,
    allowance: Option<Allowance>,
) -> Result<Opened, SessionError> {
    let let_in_before = allowance.is_some();
    let allowance = allowance.unwrap_or_default();
    if let Some(lack) = allowance.lack {
        return Err(lack.into());
    }
    let spoken = match settings.protocol {
        Protocol::Auto | Protocol::V311 => Spoken::Mqtt311,
        Protocol::V5 => Spoken::Mqtt5,
    };
    match greet(settings, identity, broker, spoken).await {
        Ok((sender, event_loop, grant, relay)) => match grant.lack {
            Some(lack) => Err(lack.into()),
            None => Ok(Opened { sender, event_loop, grant, allowance, broker: broker.clone(), relay }),
        },
        Err(error) if let_in_before && error.may_be_about_the_will() => {
            Err(refused_will(settings, identity, broker, spoken).await.unwrap_or(error))
        }
        Err(error) => Err(error),
    }
}

type Greeted = (Sender, EventLoop, Grant, JoinSet<io::Result<()>>);

async fn greet(
    settings: &Settings,
    identity: &Identity,
    broker: &BrokerOptions,
    spoken: Spoken,
) -> Result<Greeted, SessionError> {
    let route = dial::dial(broker, settings.ca_file.as_deref(), settings.timing.connect).await?;
    let (sender, mut event_loop) = wire::connection(spoken, &wire::hello(settings, identity, broker, &route));
    let grant = event_loop.granted().await.map_err(|error| error.while_connecting(&dial::name(broker)))?;
    Ok((sender, event_loop, grant, route.relay))
}

/// Tries once more without our will. When that is let in, the will is what the broker does not take, and `Some` says why.
async fn refused_will(
    settings: &Settings,
    identity: &Identity,
    broker: &BrokerOptions,
    spoken: Spoken,
) -> Option<SessionError> {
    let topic = identity.will.as_ref()?.topic.clone();
    let route = dial::dial(broker, settings.ca_file.as_deref(), settings.timing.connect).await.ok()?;
    let guest = wire::hello(settings, identity, broker, &route).into_guest();
    let (sender, mut event_loop) = wire::connection(spoken, &guest);
    let grant = timeout(settings.timing.connect, event_loop.granted()).await.ok()?.ok()?;
    let _it_ends_either_way = sender.disconnect().await;
    let lack = match (grant.lack, spoken) {
        (None, Spoken::Mqtt311) => allowance::look(settings, identity, broker, &[]).await.and_then(|told| told.lack),
        (lack, _) => lack,
    };
    Some(lack.map_or(SessionError::Will { topic }, SessionError::from))
}
