//! What is on the broker as far as we know, and what is on its way there. Pure.
//!
//! It is the one memory of what was sent. Messages of one topic go out in the order in which they are noted here, so the last note
//! is what the broker will hold, or the epoch ends first.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::ledger::hash;
use crate::broker::Message;

/// An echo that is later than this does not come any more: the broker sends it without a promise.
const ECHO: Duration = Duration::from_secs(30);

/// Topics and their last contents.
#[derive(Default)]
pub(super) struct Held {
    topics: HashMap<String, Entry>,
    /// Clearings of our own whose echo is still to come, and when the last was sent.
    clearings: HashMap<String, (u32, Instant)>,
}

struct Entry {
    content: i64,
    /// The round in which it was sent; 0 in an epoch that is over.
    round: u64,
    at: Instant,
    under_way: u32,
}

impl Held {
    /// The broker may have forgotten everything, and nothing that was under way arrives. Contents are remembered: Home Assistant
    /// may have seen them.
    pub(super) fn new_epoch(&mut self) {
        self.clearings.clear();
        for entry in self.topics.values_mut() {
            (entry.round, entry.under_way) = (0, 0);
        }
    }

    /// Whether the message is to be sent: another content, or none in this round.
    pub(super) fn lacks(&self, message: &Message, round: u64) -> bool {
        let content = hash(&message.payload);
        self.topics.get(&message.topic).is_none_or(|entry| entry.content != content || entry.round < round)
    }

    /// Something was sent to this topic in this epoch.
    pub(super) fn knows(&self, topic: &str) -> bool {
        self.topics.get(topic).is_some_and(|entry| entry.round > 0)
    }

    /// Something is on its way to this topic.
    pub(super) fn is_under_way(&self, topic: &str) -> bool {
        self.topics.get(topic).is_some_and(|entry| entry.under_way > 0)
    }

    /// When another content was last sent there, also in an earlier epoch.
    pub(super) fn differed_at(&self, message: &Message) -> Option<Instant> {
        let entry = self.topics.get(&message.topic)?;
        (entry.content != hash(&message.payload)).then_some(entry.at)
    }

    /// A message is handed to the broker.
    pub(super) fn send(&mut self, message: &Message, round: u64, now: Instant) {
        let under_way = self.topics.get(&message.topic).map_or(0, |entry| entry.under_way) + 1;
        let entry = Entry { content: hash(&message.payload), round, at: now, under_way };
        self.topics.insert(message.topic.clone(), entry);
    }

    /// It has arrived, or the broker does not take it.
    pub(super) fn landed(&mut self, topic: &str) {
        if let Some(entry) = self.topics.get_mut(topic) {
            entry.under_way = entry.under_way.saturating_sub(1);
        }
    }

    /// What is there is not what we sent.
    pub(super) fn forget(&mut self, topic: &str) {
        self.topics.remove(topic);
    }

    /// An empty config is handed to the broker; its echo will look as if the user had deleted the device.
    pub(super) fn clear_config(&mut self, topic: &str, now: Instant) {
        self.topics.remove(topic);
        let (count, at) = self.clearings.entry(topic.to_owned()).or_insert((0, now));
        (*count, *at) = (*count + 1, now);
    }

    /// Empty configs were heard. Returns whether one of them was not ours.
    pub(super) fn hear_clearings(&mut self, topic: &str, times: u32, now: Instant) -> bool {
        let Some((count, at)) = self.clearings.remove(topic) else { return true };
        if now > at + ECHO {
            return true;
        }
        if count > times {
            self.clearings.insert(topic.to_owned(), (count - times, at));
        }
        times > count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clearing_of_ours_is_told_from_one_of_the_users() {
        let mut held = Held::default();
        let now = Instant::now();
        held.clear_config("c", now);
        held.clear_config("c", now);
        assert!(!held.hear_clearings("c", 1, now));
        assert!(held.hear_clearings("c", 2, now), "the second of these is not ours");
        assert!(held.hear_clearings("c", 1, now));
        held.clear_config("c", now);
        assert!(held.hear_clearings("c", 1, now + ECHO * 2), "an echo that never came is not waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_content_is_sent_once_in_a_round() {
        let mut held = Held::default();
        let (now, message) = (Instant::now(), Message::retained("a", "x"));
        held.send(&message, 1, now);
        assert!(!held.lacks(&message, 1) && held.lacks(&message, 2) && held.lacks(&Message::retained("a", "y"), 1));
        assert!(held.is_under_way("a"));
        held.new_epoch();
        assert!(held.lacks(&message, 1) && !held.knows("a") && !held.is_under_way("a"));
        assert_eq!(held.differed_at(&message), None);
        assert_eq!(held.differed_at(&Message::retained("a", "y")), Some(now));
    }
}
