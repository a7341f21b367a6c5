//! What was sent and is not acknowledged yet.
//!
//! Nobody waits for one acknowledgement before the next message goes out: a broker may take 40 ms for one (delayed TCP
//! acknowledgements on its side), and a thousand for hardly more. Events land in the order of sending, so what has landed is
//! always the beginning of what was sent.

use std::collections::VecDeque;
use std::pin::Pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;

use crate::broker::{Ack, LinkLost};

/// What has landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Landed {
    /// What was sent again: a picture, or the last event.
    Again,
    /// Everything of the event in this row of the outbox.
    Event(i64),
}

type Landing = Pin<Box<dyn Future<Output = Result<Landed, LinkLost>> + Send>>;

/// Messages under way, in the order of sending.
#[derive(Default)]
pub(super) struct Flight {
    landings: FuturesOrdered<Landing>,
    /// Bytes of each event, in the same order.
    events: VecDeque<usize>,
    /// How many were ever sent, and how many have landed.
    sent: u64,
    landed: u64,
}

impl Flight {
    /// Something was sent again.
    pub(super) fn again(&mut self, ack: Ack) {
        self.sent += 1;
        self.landings.push_back(Box::pin(async move { ack.acknowledged().await.map(|_said| Landed::Again) }));
    }

    /// An event of so many bytes was sent; without acknowledgements to wait for, it was passed over.
    pub(super) fn event(&mut self, row: i64, acks: Vec<Ack>, bytes: usize) {
        self.sent += 1;
        self.events.push_back(bytes);
        self.landings.push_back(Box::pin(async move {
            // A message that the broker refuses will be refused again: it counts as landed.
            for ack in acks {
                ack.acknowledged().await?;
            }
            Ok(Landed::Event(row))
        }));
    }

    /// How many were ever sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// How many of them have landed, or are given up.
    pub(super) fn arrived(&self) -> u64 {
        self.landed
    }

    /// Nothing that is under way lands any more.
    pub(super) fn lose(&mut self) {
        self.landings.clear();
        self.events.clear();
        self.landed = self.sent;
    }

    /// Events under way.
    pub(super) fn events(&self) -> usize {
        self.events.len()
    }

    /// Their bytes.
    pub(super) fn bytes(&self) -> usize {
        self.events.iter().sum()
    }

    /// What was sent again and is under way.
    pub(super) fn others(&self) -> usize {
        self.landings.len() - self.events.len()
    }

    /// The next landing; never comes while nothing is under way.
    pub(super) async fn landed(&mut self) -> Result<Landed, LinkLost> {
        let Some(landed) = self.landings.next().await else { return std::future::pending().await };
        self.landed += 1;
        if matches!(landed, Ok(Landed::Event(_))) {
            self.events.pop_front();
        }
        landed
    }

    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.landings.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_under_way_is_known_until_it_lands() {
        let mut flight = Flight::default();
        for row in 1..=3 {
            flight.event(row, Vec::new(), 1_000);
        }
        assert_eq!((flight.events(), flight.others(), flight.bytes()), (3, 0, 3_000));
        for row in 1..=3 {
            assert_eq!(flight.landed().await, Ok(Landed::Event(row)));
            assert_eq!(flight.bytes(), 3_000 - 1_000 * usize::try_from(row).unwrap());
        }
        assert!(flight.is_empty());
    }
}
