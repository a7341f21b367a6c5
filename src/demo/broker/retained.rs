//! The retained messages. Invariant: at most one per topic, never an empty one, and none of them pins a read buffer.

use std::collections::BTreeMap;

use bytes::Bytes;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::Publish;

use super::topics;

/// A retained message without its topic.
#[derive(Clone)]
struct Kept {
    payload: Bytes,
    qos: QoS,
}

#[derive(Default)]
pub(super) struct Retained {
    messages: BTreeMap<String, Kept>,
}

impl Retained {
    /// Keeps the message as the last one of its topic; an empty payload clears the topic.
    pub(super) fn keep(&mut self, message: &Publish) {
        if message.payload.is_empty() {
            self.messages.remove(&message.topic);
            return;
        }
        let kept = Kept { payload: Bytes::copy_from_slice(&message.payload), qos: message.qos };
        self.messages.insert(message.topic.clone(), kept);
    }

    /// The messages that a new subscription is owed, by topic.
    pub(super) fn matching(&self, filter: &str) -> impl Iterator<Item = Publish> {
        self.messages.iter().filter(move |(topic, _)| topics::matches(filter, topic)).map(|(topic, kept)| Publish {
            dup: false,
            qos: kept.qos,
            retain: true,
            topic: topic.clone(),
            pkid: 0,
            payload: kept.payload.clone(),
        })
    }

    pub(super) fn forget(&mut self) {
        self.messages.clear();
    }

    pub(super) fn snapshot(&self) -> BTreeMap<String, Bytes> {
        self.messages.iter().map(|(topic, kept)| (topic.clone(), kept.payload.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, payload: &'static str) -> Publish {
        Publish::from_bytes(topic, QoS::AtLeastOnce, Bytes::from_static(payload.as_bytes()))
    }

    #[test]
    fn the_last_message_of_a_topic_is_kept_and_an_empty_one_clears_it() {
        let mut retained = Retained::default();
        retained.keep(&message("a", "1"));
        retained.keep(&message("a", "2"));
        retained.keep(&message("b", "3"));
        assert_eq!(retained.snapshot()["a"], "2");
        retained.keep(&message("a", ""));
        retained.keep(&message("c", ""));
        assert_eq!(retained.snapshot().into_keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn a_new_subscription_is_owed_what_matches_with_the_retain_flag() {
        let mut retained = Retained::default();
        for topic in ["a/1", "a/2", "b/1"] {
            retained.keep(&message(topic, "x"));
        }
        let owed: Vec<Publish> = retained.matching("a/+").collect();
        assert_eq!(owed.len(), 2);
        assert!(owed.iter().all(|message| message.retain));
    }
}
