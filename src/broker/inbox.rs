//! What comes from the broker and waits to be heard: judged before it takes a place, and bounded by what it can be.
//!
//! A message counts by its topic and by one of a few words, so hearing it twice makes one entry that was heard two times. A neighbour's
//! flood of anything fills at most the places of its own subscription: a birth message always has a place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Subscription;

/// The longest topic that can be meant for us, in bytes.
const TOPIC: usize = 512;
/// How often it is said that messages are dropped.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// A message that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Where.
    pub topic: String,
    /// Which of the subscription's words.
    pub word: &'static str,
    /// How often since it was last taken.
    pub times: u32,
}

/// The reader's end. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Inbox {
    subscriptions: Arc<[Subscription]>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Never held across an await.
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By subscription, topic and word: when it was heard last, as a number that grows, and how often.
    entries: BTreeMap<(usize, String, &'static str), (u64, u32)>,
    /// Entries of each subscription.
    taken: Vec<usize>,
    heard: u64,
    dropped: u64,
    said_at: Option<Instant>,
}

impl Inbox {
    /// An inbox for what these subscriptions want.
    #[must_use]
    pub fn new(subscriptions: Vec<Subscription>) -> Self {
        Self { subscriptions: subscriptions.into(), shared: Arc::default() }
    }

    pub(super) fn subscriptions(&self) -> &[Subscription] {
        &self.subscriptions
    }

    /// A live message came. Never waits.
    pub(super) fn put(&self, topic: &str, payload: &[u8], now: Instant) {
        if topic.len() > TOPIC {
            return;
        }
        let wanted = self.subscriptions.iter().enumerate().find_map(|(index, subscription)| {
            let word = subscription.words.iter().find(|word| word.as_bytes() == payload)?;
            rumqttc::mqttbytes::matches(topic, &subscription.filter).then_some((index, *word))
        });
        let Some((index, word)) = wanted else { return };
        let mut waiting = self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.heard += 1;
        let heard = waiting.heard;
        let key = (index, topic.to_owned(), word);
        if let Some((last, times)) = waiting.entries.get_mut(&key) {
            (*last, *times) = (heard, times.saturating_add(1));
        } else if waiting.taken(index) < self.subscriptions[index].places {
            waiting.entries.insert(key, (heard, 1));
            waiting.taken[index] += 1;
        } else {
            waiting.drop_one(topic, now);
            return;
        }
        drop(waiting);
        self.shared.news.notify_one();
    }

    /// Everything that was heard since the last call, in the order of last hearing. Waits until there is something.
    pub async fn next(&self) -> Vec<Incoming> {
        loop {
            let entries = {
                let mut waiting = self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.taken.clear();
                std::mem::take(&mut waiting.entries)
            };
            if !entries.is_empty() {
                let mut heard: Vec<_> = entries.into_iter().collect();
                heard.sort_unstable_by_key(|(_, (last, _))| *last);
                return heard
                    .into_iter()
                    .map(|((_, topic, word), (_, times))| Incoming { topic, word, times })
                    .collect();
            }
            // A permit is stored when something came since the look.
            self.shared.news.notified().await;
        }
    }
}

impl Waiting {
    fn taken(&mut self, subscription: usize) -> usize {
        if self.taken.len() <= subscription {
            self.taken.resize(subscription + 1, 0);
        }
        self.taken[subscription]
    }

    fn drop_one(&mut self, topic: &str, now: Instant) {
        self.dropped += 1;
        if self.said_at.is_none_or(|at| now >= at + SAY_EVERY) {
            self.said_at = Some(now);
            let dropped = std::mem::take(&mut self.dropped);
            tracing::warn!(
                topic,
                dropped,
                "Another program floods topics that Camera Herald listens to; its messages are dropped"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox() -> Inbox {
        let subscription = |filter: &str, words, places| Subscription {
            filter: filter.to_owned(),
            at_least_once: true,
            words,
            places,
        };
        Inbox::new(vec![
            subscription("ha/status", &["online", "offline"], 2),
            subscription("b/+/command", &["probe"], 3),
        ])
    }

    fn words(heard: &[Incoming]) -> Vec<(&str, &str, u32)> {
        heard.iter().map(|heard| (heard.topic.as_str(), heard.word, heard.times)).collect()
    }

    #[tokio::test]
    async fn a_birth_has_its_place_whatever_else_comes() {
        let (inbox, now) = (inbox(), Instant::now());
        for i in 0..100_000 {
            inbox.put(&format!("b/{i}/command"), b"probe", now);
            inbox.put("b/zz/command", b"junk", now);
            inbox.put(&format!("other/{i}"), b"probe", now);
        }
        inbox.put("ha/status", b"online", now);
        let heard = inbox.next().await;
        assert_eq!(heard.len(), 4);
        assert_eq!(heard.last().unwrap().word, "online");
    }

    #[tokio::test]
    async fn what_was_heard_last_comes_last_and_is_counted() {
        let (inbox, now) = (inbox(), Instant::now());
        for word in ["offline", "online", "offline", "offline"] {
            inbox.put("ha/status", word.as_bytes(), now);
        }
        assert_eq!(words(&inbox.next().await), [("ha/status", "online", 1), ("ha/status", "offline", 3)]);
    }

    #[tokio::test]
    async fn what_comes_while_nobody_waits_is_there_at_the_next_look() {
        let (inbox, now) = (inbox(), Instant::now());
        inbox.put("b/a/command", b"probe", now);
        assert_eq!(inbox.next().await.len(), 1);
        let reader = inbox.clone();
        let (heard, ()) = tokio::join!(reader.next(), async { inbox.put("b/c/command", b"probe", now) });
        assert_eq!(words(&heard), [("b/c/command", "probe", 1)]);
    }
}
