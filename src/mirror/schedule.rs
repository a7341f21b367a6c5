//! When the next announcement runs: triggers fold into one run. Pure.

use std::time::Duration;

use rand::Rng;
use tokio::time::Instant;

/// Least time between the end of a run and the next one that nobody hurries.
const GAP: Duration = Duration::from_secs(1);
/// Home Assistant says that many devices answering its birth at once overload it, and asks for a random delay.
const BIRTH_DELAY_MS: std::ops::RangeInclusive<u64> = 500..=3_000;

/// At most one run is due.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    due: Option<Instant>,
    last_run: Option<Instant>,
}

impl Schedule {
    /// A new link: the broker may have forgotten everything, so at once.
    pub(super) fn now(&mut self, now: Instant) {
        self.fold(now);
    }

    /// Home Assistant was born: after a random delay.
    pub(super) fn birth(&mut self, now: Instant, rng: &mut impl Rng) {
        let delay = Duration::from_millis(rng.random_range(BIRTH_DELAY_MS));
        self.fold(self.spaced(now + delay));
    }

    /// Something else changed, or the user asked: soon.
    pub(super) fn soon(&mut self, now: Instant) {
        self.fold(self.spaced(now));
    }

    /// When the next run is due.
    #[must_use]
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// A run begins: what was asked for up to now is done by it.
    pub(super) fn begin(&mut self) {
        self.due = None;
    }

    /// A run ended.
    pub(super) fn end(&mut self, now: Instant) {
        self.last_run = Some(now);
    }

    fn fold(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    fn spaced(&self, at: Instant) -> Instant {
        self.last_run.map_or(at, |last| at.max(last + GAP))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    proptest! {
        #[test]
        fn births_within_a_second_make_one_run(seed: u64, births in 1usize..20) {
            let mut rng = StdRng::seed_from_u64(seed);
            let start = Instant::now();
            let mut schedule = Schedule::default();
            for i in 0..births {
                schedule.birth(start + Duration::from_millis(i as u64), &mut rng);
            }
            let due = schedule.due().unwrap();
            prop_assert!(due >= start + Duration::from_millis(500) && due <= start + Duration::from_millis(3_020));
            schedule.begin();
            prop_assert_eq!(schedule.due(), None);
        }
    }

    #[test]
    fn a_new_link_does_not_wait_for_a_birth_that_is_due_later() {
        let now = Instant::now();
        let mut schedule = Schedule::default();
        schedule.birth(now, &mut StdRng::seed_from_u64(1));
        schedule.now(now);
        assert_eq!(schedule.due(), Some(now));
    }

    #[test]
    fn a_flood_of_requests_leaves_a_gap_between_runs() {
        let now = Instant::now();
        let mut schedule = Schedule::default();
        schedule.end(now);
        schedule.soon(now);
        assert_eq!(schedule.due(), Some(now + GAP));
    }
}
