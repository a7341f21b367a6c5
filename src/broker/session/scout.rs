//! A short MQTT 5 look at what the broker allows: its packet limit, and topics that its access rules forbid.
//!
//! MQTT 3.1.1 tells neither: an oversized packet ends the connection without a word, and a forbidden publish is
//! acknowledged like any other (`docs/decisions/0006`).

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::error::SessionError;
use super::wire::{self, Hello, Signal};
use crate::broker::lease::Message;

/// What a broker allows us.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowance {
    pub(super) max_packet: Option<usize>,
    pub(super) refused_topics: Vec<String>,
}

/// Connects with MQTT 5, publishes an empty message that nobody keeps to each topic, and leaves.
///
/// `None` when it did not come to that, and a later look may tell more.
pub(super) async fn look(hello: Hello, topics: &[String], patience: Duration) -> Option<Allowance> {
    match timeout(patience, ask(hello, topics)).await {
        Ok(Ok(allowance)) => Some(allowance),
        // It answered, but not in MQTT 5: asking again would bring nothing.
        Ok(Err(error @ (SessionError::Protocol { .. } | SessionError::Broken(_)))) => {
            tracing::debug!(%error, "The broker does not tell its limits by MQTT 5");
            Some(Allowance::default())
        }
        Ok(Err(_error)) => None,
        Err(_elapsed) => None,
    }
}

async fn ask(mut hello: Hello, topics: &[String]) -> Result<Allowance, SessionError> {
    hello.client_id.push_str("look");
    hello.will = None;
    let (sender, mut event_loop) = wire::v5(&hello);
    let mut allowance = Allowance::default();
    loop {
        if let Signal::Connected(grant) = event_loop.poll().await? {
            allowance.max_packet = grant.max_packet;
            break;
        }
    }
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
