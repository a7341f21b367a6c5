//! The PUBACKs that wait to leave. Invariant: without a fault each leaves at once and in order.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::faults::Faults;

/// An incomplete group is released after this, so that the last acknowledgements of a run arrive too.
const GROUP_PATIENCE: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(super) struct Acks {
    due: VecDeque<(Instant, u16)>,
    group: Vec<u16>,
    group_ends: Option<Instant>,
}

impl Acks {
    pub(super) fn push(&mut self, pkid: u16, faults: &Faults, now: Instant) {
        let delay = faults.delay_acks.unwrap_or_default();
        self.group.push(pkid);
        let complete = faults.reverse_acks.is_none_or(|size| self.group.len() >= size);
        if complete {
            self.release(now + delay);
        } else {
            self.group_ends.get_or_insert(now + GROUP_PATIENCE + delay);
        }
    }

    /// The next acknowledgement that may leave.
    pub(super) fn pop(&mut self, now: Instant) -> Option<u16> {
        if self.group_ends.is_some_and(|end| end <= now) {
            self.release(now);
        }
        let (due, pkid) = *self.due.front()?;
        (due <= now).then(|| {
            self.due.pop_front();
            pkid
        })
    }

    /// When the next acknowledgement may leave.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let front = self.due.front().map(|(due, _)| *due);
        front.into_iter().chain(self.group_ends).min()
    }

    fn release(&mut self, due: Instant) {
        self.group_ends = None;
        let group = self.group.drain(..).rev();
        self.due.extend(group.map(|pkid| (due, pkid)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn popped(acks: &mut Acks, now: Instant) -> Vec<u16> {
        std::iter::from_fn(|| acks.pop(now)).collect()
    }

    #[test]
    fn acknowledgements_leave_at_once_and_in_order() {
        let (mut acks, now) = (Acks::default(), Instant::now());
        for pkid in 1..=3 {
            acks.push(pkid, &Faults::default(), now);
        }
        assert_eq!(popped(&mut acks, now), [1, 2, 3]);
        assert_eq!(acks.next_due(), None);
    }

    #[test]
    fn delayed_acknowledgements_leave_when_they_are_due() {
        let (mut acks, now, delay) = (Acks::default(), Instant::now(), Duration::from_millis(5));
        let faults = Faults { delay_acks: Some(delay), ..Faults::default() };
        acks.push(1, &faults, now);
        assert_eq!(acks.pop(now), None);
        assert_eq!(acks.next_due(), Some(now + delay));
        assert_eq!(popped(&mut acks, now + delay), [1]);
    }

    #[test]
    fn a_full_group_leaves_backwards_and_a_started_one_after_its_patience() {
        let (mut acks, now) = (Acks::default(), Instant::now());
        let faults = Faults { reverse_acks: Some(3), ..Faults::default() };
        for pkid in 1..=5 {
            acks.push(pkid, &faults, now);
        }
        assert_eq!(popped(&mut acks, now), [3, 2, 1]);
        assert_eq!(acks.next_due(), Some(now + GROUP_PATIENCE));
        assert_eq!(popped(&mut acks, now + GROUP_PATIENCE), [5, 4]);
    }
}
