//! What a broker allows us, by a short MQTT 5 connection: its packet limit, what it lacks, and topics that its access rules forbid.
//!
//! MQTT 3.1.1 tells none of it: an oversized packet or a will that is not taken ends the connection without a word, and a forbidden publish
//! is acknowledged like any other (`docs/decisions/0006`).

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::dial;
use super::error::{Lack, SessionError};
use super::signals::Signal;
use super::wire::{self, Hello, Spoken};
use crate::broker::lease::Message;
use crate::broker::settings::{Identity, Settings};
use crate::options::BrokerOptions;

/// What a broker allows us.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowance {
    pub(super) max_packet: Option<usize>,
    pub(super) lack: Option<Lack>,
    pub(super) refused_topics: Vec<String>,
}

/// What is known of the last broker: looked up once per broker and user, and again after a try that failed.
#[derive(Debug, Default)]
pub(super) struct Allowances(Option<(String, Allowance)>);

impl Allowances {
    /// What this broker allows; `None` when it did not let us look, and a later look may tell more.
    pub(super) async fn of(
        &mut self,
        settings: &Settings,
        identity: &Identity,
        broker: &BrokerOptions,
    ) -> Option<Allowance> {
        let user = broker.credentials.as_ref().map_or("", |credentials| credentials.username.as_str());
        let key = format!("{user}@{}", dial::name(broker));
        if let Some((known, allowance)) = &self.0
            && *known == key
        {
            return Some(allowance.clone());
        }
        let allowance = look(settings, identity, broker, &identity.trial_topics).await?;
        self.0 = Some((key, allowance.clone()));
        Some(allowance)
    }

    /// What was known may not hold any more.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}

/// Connects with MQTT 5 and without a will, publishes an empty message that nobody keeps to each topic, and leaves.
pub(super) async fn look(
    settings: &Settings,
    identity: &Identity,
    broker: &BrokerOptions,
    topics: &[String],
) -> Option<Allowance> {
    let patience = settings.timing.connect;
    let route = dial::dial(broker, settings.ca_file.as_deref(), patience).await.ok()?;
    match tell(wire::hello(settings, identity, broker, &route).into_guest(), topics, patience).await {
        Ok(allowance) => Some(allowance),
        // It answered, but not in MQTT 5: asking again would bring nothing.
        Err(error @ (SessionError::Protocol { .. } | SessionError::Broken(_))) => {
            tracing::debug!(%error, "The broker does not tell its limits by MQTT 5");
            Some(Allowance::default())
        }
        Err(_error) => None,
    }
}

async fn tell(hello: Hello, topics: &[String], patience: Duration) -> Result<Allowance, SessionError> {
    let told = timeout(patience, ask(&hello, topics)).await;
    told.unwrap_or(Err(SessionError::HalfOpen))
}

async fn ask(hello: &Hello, topics: &[String]) -> Result<Allowance, SessionError> {
    let (sender, mut event_loop) = wire::connection(Spoken::Mqtt5, hello);
    let grant = event_loop.granted().await?;
    let mut allowance = Allowance { max_packet: grant.max_packet, lack: grant.lack, refused_topics: Vec::new() };
    // A trial is a message with QoS 1.
    let topics = if grant.lack == Some(Lack::Qos1) { &[] } else { topics };
    for topic in topics {
        let trial = Message { topic: topic.clone(), payload: Bytes::new(), retain: false };
        sender.publish(trial, true).await.map_err(|_gone| SessionError::HalfOpen)?;
        loop {
            if let Signal::Acknowledged { refusal, .. } = event_loop.poll().await? {
                allowance.refused_topics.extend(refusal.map(|_reason| topic.clone()));
                break;
            }
        }
    }
    sender.disconnect().await.map_err(|_gone| SessionError::HalfOpen)?;
    while !matches!(event_loop.poll().await?, Signal::Disconnected) {}
    Ok(allowance)
}
