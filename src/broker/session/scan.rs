//! Looking what the broker holds under a filter. Pure bookkeeping; the connection does the sending.
//!
//! A broker replays the retained messages when it takes a SUBSCRIBE. A message of our own, sent after it and received
//! back, marks the end. Brokers that replay in the background may come later than the mark, so a short quiet follows it.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::broker::lease::Wanted;

/// How long nothing must come after the mark.
const QUIET: Duration = Duration::from_millis(100);

/// A broker with a full queue drops the mark as anything else, so it is sent again.
const MARK_AGAIN: Duration = Duration::from_secs(1);

/// What a scan needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing more comes.
    Finish,
    /// The mark, once more.
    Mark,
    /// The mark does not come back, whatever is done.
    GiveUp,
}

/// One scan under way.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) filter: String,
    wanted: Wanted,
    mark: Bytes,
    marked: bool,
    mark_sent: Option<Instant>,
    last_heard: Instant,
    found: BTreeSet<String>,
    done: oneshot::Sender<BTreeSet<String>>,
}

impl Scan {
    pub(super) fn new(
        filter: String,
        wanted: Wanted,
        mark: Bytes,
        done: oneshot::Sender<BTreeSet<String>>,
        now: Instant,
    ) -> Self {
        Self { filter, wanted, mark, marked: false, mark_sent: None, last_heard: now, found: BTreeSet::new(), done }
    }

    /// A retained message came.
    pub(super) fn heard(&mut self, topic: &str, payload: &Bytes, now: Instant) {
        if !payload.is_empty() && rumqttc::mqttbytes::matches(topic, &self.filter) {
            self.last_heard = now;
            if (self.wanted)(topic, payload) {
                self.found.insert(topic.to_owned());
            }
        }
    }

    /// A message came on the topic of marks.
    pub(super) fn mark_heard(&mut self, payload: &Bytes, now: Instant) {
        if *payload == self.mark {
            self.marked = true;
            self.last_heard = now;
        }
    }

    /// The mark was handed to the client, behind the SUBSCRIBE.
    pub(super) fn mark_sent(&mut self, mark: &Bytes, now: Instant) {
        if self.mark == *mark {
            self.mark_sent = Some(now);
        }
    }

    pub(super) fn mark(&self) -> Bytes {
        self.mark.clone()
    }

    /// What comes next, and when, if nothing is heard before.
    pub(super) fn next(&self, patience: Duration) -> Option<(Instant, Step)> {
        let sent = self.mark_sent?;
        let given_up = self.last_heard + patience;
        Some(match self.marked {
            true => (self.last_heard + QUIET, Step::Finish),
            false if sent + MARK_AGAIN < given_up => (sent + MARK_AGAIN, Step::Mark),
            false => (given_up, Step::GiveUp),
        })
    }

    /// Gives the result to whoever asked.
    pub(super) fn finish(self) {
        let _asker_gone = self.done.send(self.found);
    }
}
