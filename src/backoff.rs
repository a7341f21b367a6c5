//! How long to wait before the next try: exponential, capped, with full jitter. Pure; randomness is an argument.

use std::time::Duration;

use rand::Rng;

/// The shortest wait, so that a jitter near zero does not become a busy loop.
const FLOOR: Duration = Duration::from_millis(50);

/// Waits that double from a first to a longest one, each drawn between (nearly) zero and its bound.
///
/// Full jitter spreads the clients of a broker that comes back better than a fixed or half-random wait does.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    cap: Duration,
    attempt: u32,
}

impl Backoff {
    /// Bounds `first`, 2 × `first`, 4 × `first` … up to `cap`.
    #[must_use]
    pub(crate) fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap, attempt: 0 }
    }

    /// The next wait.
    pub(crate) fn next(&mut self, rng: &mut impl Rng) -> Duration {
        let bound = self.bound();
        self.attempt = self.attempt.saturating_add(1);
        bound.mul_f64(rng.random_range(0.0..=1.0)).max(FLOOR.min(bound))
    }

    /// Starts again from the first bound: the thing that was waited for works.
    pub(crate) fn reset(&mut self) {
        self.attempt = 0;
    }

    fn bound(&self) -> Duration {
        self.first.saturating_mul(2u32.saturating_pow(self.attempt.min(20))).min(self.cap)
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
        fn no_wait_is_longer_than_the_cap_or_shorter_than_the_floor(seed: u64, tries in 1usize..200) {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
            for attempt in 0..tries {
                let wait = backoff.next(&mut rng);
                let bound = Duration::from_millis(500 << attempt.min(10)).min(Duration::from_secs(30));
                prop_assert!(wait >= FLOOR && wait <= bound, "{wait:?} at try {attempt}");
            }
        }
    }

    #[test]
    fn a_reset_starts_from_the_first_bound_again() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        for _ in 0..10 {
            backoff.next(&mut rng);
        }
        backoff.reset();
        assert!(backoff.next(&mut rng) <= Duration::from_millis(500));
    }
}
