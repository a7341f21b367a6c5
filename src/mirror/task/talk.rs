//! How often what was heard is written to the log: a neighbour's flood must not fill it. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// One line of each kind in this time, after a burst.
const EVERY: Duration = Duration::from_secs(10);
/// Lines of a kind that may come at once: a person, or a home that restarts, is told of each.
const BURST: u32 = 6;

/// What was said lately, by kind.
#[derive(Debug, Default)]
pub(super) struct Talk(BTreeMap<&'static str, Instant>);

impl Talk {
    /// Whether a line of this kind is written now.
    pub(super) fn may_say(&mut self, kind: &'static str, now: Instant) -> bool {
        let next = self.0.get(kind).map_or(now, |at| (*at).max(now)) + EVERY;
        let may = next <= now + EVERY * BURST;
        if may {
            self.0.insert(kind, next);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_a_few_lines_and_then_one_in_ten_seconds() {
        let (mut talk, start) = (Talk::default(), Instant::now());
        let said = (0..100_000u32).filter(|i| talk.may_say("birth", start + Duration::from_millis(1) * *i)).count();
        assert_eq!(said, 15);
        assert!(talk.may_say("will", start), "another kind has lines of its own");
        assert!(talk.may_say("birth", start + Duration::from_secs(200)));
    }
}
