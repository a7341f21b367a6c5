//! How old an event is, also when somebody sets the clock while it waits. Pure: both clocks are arguments.
//!
//! In: the time of day, and a clock that nobody sets. Out: the time by the clock as it went when the event came. A machine without a battery
//! for its clock starts anywhere and is then set by the network, days or years at once: what came just before is not old by that.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Less than this is no such machine: it may have slept, and then what waited is old.
const SET: SignedDuration = SignedDuration::from_hours(24);

/// What the clocks said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Age {
    seen: (Timestamp, Instant),
    /// The time of day was set ahead by so much, and until then nothing had been received later than this.
    set: Option<(Timestamp, SignedDuration)>,
}

impl Age {
    pub(super) fn new(now: Timestamp, ticks: Instant) -> Self {
        Self { seen: (now, ticks), set: None }
    }

    /// Compares the clocks. What happens between two looks counts with the later one.
    pub(super) fn look(&mut self, now: Timestamp, ticks: Instant) {
        let (then, ticked) = std::mem::replace(&mut self.seen, (now, ticks));
        let passed = SignedDuration::try_from(ticks.duration_since(ticked)).unwrap_or(SignedDuration::MAX);
        let ahead = now.duration_since(then).saturating_sub(passed);
        if ahead >= SET {
            self.set = now.checked_sub(ahead).ok().map(|before| (before, ahead));
        }
    }

    /// The time now, for an event that was received then.
    pub(super) fn time_for(&self, received: Timestamp) -> Timestamp {
        let (now, _) = self.seen;
        match self.set {
            Some((before, ahead)) if received <= before => now.checked_sub(ahead).unwrap_or(now),
            _ => now,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_waited_while_the_clock_was_set_ahead_is_as_old_as_it_waited() {
        let start: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
        let (second, year) = (SignedDuration::from_secs(1), SignedDuration::from_hours(24 * 365));
        let ticks = Instant::now();
        let mut age = Age::new(start, ticks);
        let before = start + second * 30;
        // Nobody looked between the event and the setting.
        let later = start + year + second * 60;
        age.look(later, ticks + Duration::from_secs(60));
        assert_eq!(age.time_for(before).duration_since(before), second * 30);
        assert_eq!(age.time_for(later), later, "what came afterwards goes by the new time");
        age.look(later + second * 300, ticks + Duration::from_secs(360));
        assert_eq!(age.time_for(before).duration_since(before), second * 330, "it grows old as everything does");
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_passes_and_a_clock_that_is_put_right_by_hours_or_back_change_nothing() {
        let start: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
        let hour = SignedDuration::from_hours(1);
        for (passed, set) in [(48, 0), (1, 23), (1, -23), (1, -48)] {
            let ticks = Instant::now();
            let mut age = Age::new(start, ticks);
            let now = start + hour * (passed + set);
            age.look(now, ticks + Duration::from_secs(3_600 * passed.unsigned_abs() as u64));
            assert_eq!(age.time_for(start), now, "{passed} {set}");
        }
    }
}
