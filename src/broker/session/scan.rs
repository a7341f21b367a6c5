//! Looking what the broker holds under a filter. Pure bookkeeping; the connection does the sending.
//!
//! A broker replays the retained messages when it takes a SUBSCRIBE. A message of our own, sent after it and received
//! back, marks the end. Brokers that replay in the background may come later than the mark, so a short quiet follows it.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How long nothing must come after the mark.
const QUIET: Duration = Duration::from_millis(100);

/// One scan under way.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) filter: String,
    mark: Bytes,
    marked: bool,
    last_heard: Instant,
    found: BTreeSet<String>,
    done: oneshot::Sender<BTreeSet<String>>,
}

impl Scan {
    pub(super) fn new(filter: String, mark: Bytes, done: oneshot::Sender<BTreeSet<String>>, now: Instant) -> Self {
        Self { filter, mark, marked: false, last_heard: now, found: BTreeSet::new(), done }
    }

    /// A retained message came.
    pub(super) fn heard(&mut self, topic: &str, payload: &Bytes, now: Instant) {
        if !payload.is_empty() && rumqttc::mqttbytes::matches(topic, &self.filter) {
            self.found.insert(topic.to_owned());
            self.last_heard = now;
        }
    }

    /// A message came on the topic of marks.
    pub(super) fn mark_heard(&mut self, payload: &Bytes, now: Instant) {
        if *payload == self.mark {
            self.marked = true;
            self.last_heard = now;
        }
    }

    /// When the scan ends if nothing more comes.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        self.marked.then(|| self.last_heard + QUIET)
    }

    /// Gives the result to whoever asked.
    pub(super) fn finish(self) {
        let _asker_gone = self.done.send(self.found);
    }
}
