//! Whether the clock on the wall can be believed. Pure: both clocks are arguments.
//!
//! In: the time of day, and a clock that nobody sets. Out: whether what is old by the time of day may be deleted. A machine without a
//! battery for its clock starts anywhere, and is then set by the network, years at once.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The clocks disagree when they have gone apart by more than this between two looks.
const DISAGREEMENT: SignedDuration = SignedDuration::from_hours(24);
/// How long the time of day is not believed then: somebody may set it once more.
const DOUBT: Duration = Duration::from_hours(24);

/// What the clocks said.
#[derive(Debug, Default)]
pub(super) struct Clock {
    seen: Option<(Timestamp, Instant)>,
    jumped: Option<Instant>,
}

impl Clock {
    /// Compares the clocks. `true`: the time of day was set far away since the last look.
    pub(super) fn look(&mut self, now: Timestamp, ticks: Instant) -> bool {
        let before = self.seen.replace((now, ticks));
        let jumped = before.is_some_and(|(then, ticked)| {
            let passed = SignedDuration::try_from(ticks.duration_since(ticked)).unwrap_or(SignedDuration::MAX);
            now.duration_since(then).saturating_sub(passed).abs() >= DISAGREEMENT
        });
        if jumped {
            self.jumped = Some(ticks);
        }
        jumped
    }

    /// What is old by the time of day may be deleted.
    pub(super) fn is_believed(&self, ticks: Instant) -> bool {
        self.jumped.is_none_or(|jumped| ticks.duration_since(jumped) >= DOUBT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_was_set_by_a_day_or_more_is_not_believed_for_a_day() {
        let hour = SignedDuration::from_hours(1);
        let start: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
        for (set, believed) in [(0, true), (23, true), (-23, true), (25, false), (-25, false), (24 * 32, false)] {
            let mut clock = Clock::default();
            let ticks = Instant::now();
            assert!(!clock.look(start, ticks), "there is nothing to compare with yet");
            let later = ticks + Duration::from_secs(60);
            assert_eq!(clock.look(start + SignedDuration::from_secs(60) + hour * set, later), !believed, "{set}");
            assert_eq!(clock.is_believed(later), believed, "{set}");
            assert!(clock.is_believed(later + DOUBT), "{set}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn months_that_really_pass_are_no_jump() {
        let mut clock = Clock::default();
        let start: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
        let ticks = Instant::now();
        clock.look(start, ticks);
        assert!(!clock.look(start + SignedDuration::from_hours(24 * 90), ticks + Duration::from_secs(90 * 24 * 3_600)));
    }
}
