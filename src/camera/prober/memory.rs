//! A limit to what a stream may pile up in memory.
//!
//! retina keeps the parts of a frame until its end has come, and has no limit: a camera that never ends a frame would fill the memory at
//! the speed of the network. What one session holds cannot be asked for, so the growth of the whole process since the last
//! frame is taken for it. A camera that sends frames starts from anew with each of them; it does not pay for another.

use std::time::Duration;

use crate::process::resident_memory;

/// How often to look: a gigabit a second is 12 MB in this time.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// More than the largest frame and the largest pictures that are decoded meanwhile.
const MOST: u64 = 256 * 1_024 * 1_024;

/// Memory as it was at the last frame.
pub(super) struct Watch {
    at_last_frame: Option<u64>,
}

impl Watch {
    pub(super) fn start() -> Self {
        Self { at_last_frame: resident_memory() }
    }

    /// Whether the process has grown by more than a frame can account for.
    pub(super) fn is_too_much(&self) -> bool {
        self.at_last_frame.zip(resident_memory()).is_some_and(|(before, now)| now.saturating_sub(before) > MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_grows_by_more_than_a_frame_is_noticed() {
        let watch = Watch::start();
        assert!(!watch.is_too_much());
        assert!(resident_memory().is_some_and(|bytes| bytes > 1_000_000));
        let hoard = vec![1_u8; usize::try_from(MOST).unwrap() + 8_000_000];
        assert!(watch.is_too_much(), "{} bytes were taken", hoard.len());
    }
}
