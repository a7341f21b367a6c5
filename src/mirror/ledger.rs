//! What may be on the broker because of us, kept over restarts: topic, content hash, and a device's components.
//!
//! Written before a topic is first used and forgotten after its clearing was acknowledged, so that no crash in between
//! leaves a message that nobody remembers. Nothing is written while nothing changes. The rows are here at once; they reach the disk
//! beside everything else, and who must not go on before that asks [`Ledger::is_written`].

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;

use serde_json::Value;

use crate::homeassistant::payload::Components;
use crate::store::{Row, Store, StoreError};

type Writing = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// The ledger in memory, and the store behind it.
pub struct Ledger {
    rows: BTreeMap<String, Row>,
    store: Option<Store>,
    /// Not on disk yet, in order of happening: what a topic's row is now.
    changes: Vec<(String, Option<Row>)>,
    writing: Option<Writing>,
}

impl Ledger {
    /// Reads what earlier runs left.
    pub async fn load(store: Store) -> Self {
        let rows = store.ledger().await.unwrap_or_else(|error| {
            tracing::error!(%error, "The ledger cannot be read; leftovers of earlier runs are looked for on the broker only");
            Vec::new()
        });
        Self { store: Some(store), ..Self::of(rows) }
    }

    /// A ledger of these rows that is not kept.
    pub(super) fn of(rows: Vec<Row>) -> Self {
        let rows = rows.into_iter().map(|row| (row.topic.clone(), row)).collect();
        Self { rows, store: None, changes: Vec::new(), writing: None }
    }

    /// Every topic that may hold a message of ours.
    pub fn topics(&self) -> impl Iterator<Item = &String> {
        self.rows.keys()
    }

    pub(super) fn knows(&self, topic: &str) -> bool {
        self.rows.contains_key(topic)
    }

    /// The components that the device at this topic had when it was last announced.
    #[must_use]
    pub fn components(&self, topic: &str) -> Components {
        let known = self.rows.get(topic).and_then(|row| row.components.as_deref());
        known.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    /// These topics are about to be used.
    pub(super) fn expect(&mut self, topics: impl IntoIterator<Item = String>) {
        for topic in topics {
            if !self.rows.contains_key(&topic) {
                self.put(Row { topic, hash: 0, components: None });
            }
        }
    }

    /// A device's payload was acknowledged.
    pub(super) fn announced(&mut self, topic: &str, payload: &Value) {
        let hash = hash(payload.to_string().as_bytes());
        let row = Row { topic: topic.to_owned(), hash, components: Some(components(payload)) };
        if self.rows.get(topic) != Some(&row) {
            self.put(row);
        }
    }

    /// A topic was cleared, acknowledged.
    pub(super) fn cleared(&mut self, topic: &str) {
        if self.rows.remove(topic).is_some() {
            self.changes.push((topic.to_owned(), None));
        }
    }

    fn put(&mut self, row: Row) {
        self.changes.push((row.topic.clone(), Some(row.clone())));
        self.rows.insert(row.topic.clone(), row);
    }

    /// Whether everything is on disk, or cannot be brought there, which was said.
    pub(super) fn is_written(&self) -> bool {
        self.changes.is_empty() && self.writing.is_none()
    }

    /// Brings changes to the disk; ends when what has changed by now is there. Never ends while nothing has changed. May be dropped
    /// and called again.
    pub(super) async fn write(&mut self) {
        if self.writing.is_none() && !self.changes.is_empty() {
            self.writing = self.next_writing();
        }
        let Some(writing) = &mut self.writing else { return std::future::pending().await };
        let outcome = writing.await;
        self.writing = None;
        if let Err(error) = outcome {
            tracing::error!(
                %error,
                "The ledger cannot be written; devices that are removed while Camera Herald is stopped may stay behind"
            );
        }
    }

    fn next_writing(&mut self) -> Option<Writing> {
        // The last change of a topic counts.
        let last: BTreeMap<_, _> = std::mem::take(&mut self.changes).into_iter().collect();
        let store = self.store.clone();
        Some(Box::pin(async move {
            let Some(store) = store else { return Ok(()) };
            let (remembered, forgotten): (Vec<_>, Vec<_>) = last.into_iter().partition(|(_, row)| row.is_some());
            if !remembered.is_empty() {
                store.remember(remembered.into_iter().filter_map(|(_, row)| row).collect()).await?;
            }
            if !forgotten.is_empty() {
                store.forget(forgotten.into_iter().map(|(topic, _)| topic).collect()).await?;
            }
            Ok(())
        }))
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
pub(super) fn hash(content: &[u8]) -> i64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish().cast_signed()
}
