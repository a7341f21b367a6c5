//! The messages on their way: handed to the client, sent, and not yet acknowledged. Pure.
//!
//! rumqttc gives a packet id only when it sends, and tells it by an event. Requests leave its channel in order, so the
//! oldest message without an id is the one that the event speaks of.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

/// Joins packet ids to what waits for their acknowledgement.
#[derive(Debug)]
pub(super) struct Window<T> {
    handed: VecDeque<(Instant, T)>,
    sent: HashMap<u16, (Instant, T)>,
}

impl<T> Window<T> {
    pub(super) fn new() -> Self {
        Self { handed: VecDeque::new(), sent: HashMap::new() }
    }

    /// A message was handed to the client.
    pub(super) fn hand(&mut self, waiter: T, now: Instant) {
        self.handed.push_back((now, waiter));
    }

    /// The client sent the oldest handed message with this id. `false` when there is none or the id is in use: the
    /// client and we disagree, and only a fresh connection mends that.
    pub(super) fn sent(&mut self, packet_id: u16) -> bool {
        match self.handed.pop_front() {
            Some(waiter) => self.sent.insert(packet_id, waiter).is_none(),
            None => false,
        }
    }

    /// The broker acknowledged this id.
    pub(super) fn acknowledge(&mut self, packet_id: u16) -> Option<T> {
        self.sent.remove(&packet_id).map(|(_, waiter)| waiter)
    }

    /// Everything that is not acknowledged.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &T> {
        self.handed.iter().chain(self.sent.values()).map(|(_, waiter)| waiter)
    }

    /// When the message that waits longest was handed over.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let sent = self.sent.values().map(|(at, _)| *at).min();
        let handed = self.handed.front().map(|(at, _)| *at);
        [sent, handed].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ids_go_to_messages_in_the_order_of_handing_over() {
        let mut window = Window::new();
        window.hand("a", Instant::now());
        window.hand("b", Instant::now());
        assert!(window.sent(7) && window.sent(8));
        assert_eq!(window.acknowledge(8), Some("b"));
        assert_eq!(window.acknowledge(7), Some("a"));
        assert_eq!(window.acknowledge(7), None);
        assert_eq!(window.oldest(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_counts_also_when_younger_ones_are_acknowledged() {
        let mut window = Window::new();
        let first = Instant::now();
        window.hand("lost", first);
        window.sent(1);
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        window.hand("fine", Instant::now());
        window.sent(2);
        window.acknowledge(2);
        assert_eq!(window.oldest(), Some(first));
    }

    #[test]
    fn an_id_without_a_message_is_a_disagreement() {
        assert!(!Window::<()>::new().sent(1));
    }
}
