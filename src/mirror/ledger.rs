//! What may be on the broker because of us, kept over restarts: topic, content hash, and a device's components.
//!
//! Written before a topic is first used and forgotten after its clearing was acknowledged, so that no crash in between
//! leaves a message that nobody remembers. Nothing is written while nothing changes.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::homeassistant::payload::Components;
use crate::store::{Row, Store};

/// The ledger in memory, and the store behind it.
pub struct Ledger {
    rows: BTreeMap<String, Row>,
    store: Store,
}

impl Ledger {
    /// Reads what earlier runs left.
    pub async fn load(store: Store) -> Self {
        let rows = match store.ledger().await {
            Ok(rows) => rows.into_iter().map(|row| (row.topic.clone(), row)).collect(),
            Err(error) => {
                tracing::error!(%error, "The ledger cannot be read; leftovers of earlier runs are looked for on the broker only");
                BTreeMap::new()
            }
        };
        Self { rows, store }
    }

    /// Every topic that may hold a message of ours.
    pub fn topics(&self) -> impl Iterator<Item = &String> {
        self.rows.keys()
    }

    /// The components that the device at this topic had when it was last announced.
    #[must_use]
    pub fn components(&self, topic: &str) -> Components {
        let known = self.rows.get(topic).and_then(|row| row.components.as_deref());
        known.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    /// These topics are about to be used.
    pub async fn expect(&mut self, topics: impl IntoIterator<Item = String>) {
        let new: Vec<Row> = topics
            .into_iter()
            .filter(|topic| !self.rows.contains_key(topic))
            .map(|topic| Row { topic, hash: 0, components: None })
            .collect();
        self.write(new).await;
    }

    /// These device payloads were acknowledged.
    pub async fn announced(&mut self, configs: impl IntoIterator<Item = (String, Value)>) {
        let changed: Vec<Row> = configs
            .into_iter()
            .map(|(topic, payload)| Row {
                topic,
                hash: hash(payload.to_string().as_bytes()),
                components: Some(components(&payload)),
            })
            .filter(|row| self.rows.get(&row.topic) != Some(row))
            .collect();
        self.write(changed).await;
    }

    /// These topics were cleared, acknowledged.
    pub async fn cleared(&mut self, topics: Vec<String>) {
        let known: Vec<String> = topics.into_iter().filter(|topic| self.rows.remove(topic).is_some()).collect();
        if !known.is_empty() {
            report(self.store.forget(known).await);
        }
    }

    async fn write(&mut self, rows: Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        self.rows.extend(rows.iter().map(|row| (row.topic.clone(), row.clone())));
        report(self.store.remember(rows).await);
    }
}

fn report(outcome: Result<(), crate::store::StoreError>) {
    if let Err(error) = outcome {
        tracing::error!(
            %error,
            "The ledger cannot be written; devices that are removed while Camera Herald is stopped may stay behind"
        );
    }
}

fn components(payload: &Value) -> String {
    let components: Components = payload["components"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, component)| Some((key.clone(), component["platform"].as_str()?.to_owned())))
        .collect();
    serde_json::to_string(&components).expect("texts are JSON")
}

/// Tells two contents apart. Not for keeping apart what an attacker made.
#[must_use]
pub fn hash(content: &[u8]) -> i64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish().cast_signed()
}
