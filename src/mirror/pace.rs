//! How fast messages go out: bursts up to what a subscriber's queue holds, then a steady rate. Pure.
//!
//! Mosquitto drops messages to a subscriber whose queue (1,000 by default) is full, and tells nobody.

use std::time::Duration;

use tokio::time::Instant;

/// Half of a default queue may come at once.
const BURST: u32 = 500;
/// Messages a second after that: what Home Assistant works off while it makes entities is far less than what it reads.
const RATE: u32 = 1_000;
/// Messages a second of events: they change what is there, which is quicker.
const EVENT_RATE: u32 = 4_000;

/// A token bucket, kept as the moment at which it would be full again (the generic cell rate algorithm).
#[derive(Debug)]
pub(crate) struct Pace {
    full_at: Instant,
    each: Duration,
}

impl Pace {
    /// A full bucket for announcements.
    #[must_use]
    pub(crate) fn new(now: Instant) -> Self {
        Self { full_at: now, each: Duration::from_secs(1) / RATE }
    }

    /// A full bucket for events.
    #[must_use]
    pub(crate) fn of_events(now: Instant) -> Self {
        Self { full_at: now, each: Duration::from_secs(1) / EVENT_RATE }
    }

    /// When the next message may go out.
    #[must_use]
    pub(crate) fn due(&self, now: Instant) -> Instant {
        (self.full_at.max(now) + self.each).checked_sub(self.each * (BURST + 1)).map_or(now, |at| at.max(now))
    }

    /// Takes one message and says when it may go out.
    pub(crate) fn next(&mut self, now: Instant) -> Instant {
        self.full_at = self.full_at.max(now) + self.each;
        self.full_at.checked_sub(self.each * BURST).map_or(now, |at| at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let now = Instant::now() + Duration::from_secs(60);
        let mut pace = Pace::new(now);
        for _ in 0..BURST {
            assert_eq!(pace.next(now), now);
        }
        for _ in 0..RATE {
            pace.next(now);
        }
        let second_later = pace.next(now) - now;
        assert!(second_later > Duration::from_millis(999) && second_later < Duration::from_millis(1_003));
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_fills_the_bucket_and_not_beyond() {
        let start = Instant::now() + Duration::from_secs(60);
        let mut pace = Pace::new(start);
        for _ in 0..BURST * 2 {
            pace.next(start);
        }
        let later = start + Duration::from_secs(3_600);
        let at_once = (0..BURST * 2).filter(|_| pace.next(later) == later).count();
        assert_eq!(at_once, BURST as usize);
    }
}
