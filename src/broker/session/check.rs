//! For `camera-herald check`: the way to the broker, one step at a time, without a session.

use super::allowance::Allowances;
use super::dial;
use super::open;
use super::signals::Signal;
use crate::broker::ASSUMED_MAX_PACKET;
use crate::broker::cause::Cause;
use crate::broker::settings::{Identity, Settings};
use crate::options::BrokerOptions;

/// What the broker granted.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    /// `3.1.1` or `5`.
    pub protocol: &'static str,
    /// The largest packet that the broker takes, in bytes.
    pub max_packet: usize,
    /// Topics on which the broker does not let us publish.
    pub refused_topics: Vec<String>,
}

/// Resolves the broker's name and opens its port, with TLS where asked for.
///
/// # Errors
/// The step that failed, in one sentence.
pub(crate) async fn reach(settings: &Settings, broker: &BrokerOptions) -> Result<(), Cause> {
    let patience = settings.timing.connect;
    if broker.tls {
        dial::dial(broker, settings.ca_file.as_deref(), patience).await.map(drop)
    } else {
        dial::open(broker, patience).await.map(drop)
    }
    .map_err(|error| error.cause())
}

/// Logs in and out again.
///
/// # Errors
/// Why the broker did not let us, in one sentence.
pub(crate) async fn log_in(settings: &Settings, identity: &Identity, broker: &BrokerOptions) -> Result<Granted, Cause> {
    let allowance = Allowances::default().of(settings, identity, broker).await;
    let opened = open::connect(settings, identity, broker, allowance).await.map_err(|error| error.cause())?;
    let open::Opened { sender, mut event_loop, grant, allowance, relay, .. } = opened;
    let granted = Granted {
        protocol: event_loop.protocol(),
        max_packet: grant.max_packet.or(allowance.max_packet).unwrap_or(ASSUMED_MAX_PACKET),
        refused_topics: allowance.refused_topics,
    };
    if sender.disconnect().await.is_ok() {
        while let Ok(signal) = event_loop.poll().await {
            if matches!(signal, Signal::Disconnected) {
                break;
            }
        }
    }
    drop(event_loop);
    dial::hang_up(relay, settings.timing.connect).await;
    Ok(granted)
}
