//! Whether this machine was too busy for a probe: then its failure says nothing of the camera.
//!
//! In: a probe. Out: what it came to, and how late our own timers ran beside it. Invariant: only what time decides is doubted, and not for
//! ever: a camera that is gone is told also on a machine that is always busy.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::camera::{Failure, Reason};

/// From one look at the clock to the next.
const BEAT: Duration = Duration::from_millis(100);
/// Our timers may run late by so much in one probe: a tenth of what a camera gets to answer.
const BEARABLE: Duration = Duration::from_secs(1);
/// So many failures of a camera in a row are doubted.
const MOST_DOUBTED: u32 = 5;

/// Does a probe, and adds up by how much our timers were late meanwhile.
pub(super) async fn measured<T>(probe: impl Future<Output = T>) -> (T, Duration) {
    let mut probe = pin!(probe);
    let mut late = Duration::ZERO;
    let mut due = Instant::now() + BEAT;
    loop {
        tokio::select! {
            // What runs late shows before what the probe makes of it.
            biased;
            () = sleep_until(due) => {
                late += beyond(due);
                due = Instant::now() + BEAT;
            }
            done = &mut probe => return (done, late + beyond(due)),
        }
    }
}

/// By how much a time has passed; less than a beat is what every runtime is late by.
fn beyond(due: Instant) -> Duration {
    Some(Instant::now().saturating_duration_since(due)).filter(|late| *late >= BEAT / 2).unwrap_or_default()
}

/// Whether a failure is ours rather than the camera's. `before` is how many of the camera's in a row were.
pub(super) fn is_ours(failure: &Failure, late: Duration, before: u32) -> bool {
    matches!(failure.reason, Reason::Timeout | Reason::NoFrames) && late >= BEARABLE && before < MOST_DOUBTED
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hog(time: Duration) {
        let began = std::time::Instant::now();
        while began.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    #[tokio::test]
    async fn a_runtime_that_is_starved_is_noticed_and_one_that_waits_is_not() {
        let (_, late) = measured(tokio::time::sleep(Duration::from_millis(500))).await;
        assert!(late < BEARABLE, "{late:?}");
        let starved = async {
            for _ in 0..4 {
                hog(Duration::from_millis(400));
                tokio::task::yield_now().await;
            }
        };
        let (_, late) = tokio::join!(starved, measured(tokio::time::sleep(Duration::from_millis(1_700)))).1;
        assert!(late >= BEARABLE, "{late:?}");
    }

    #[test]
    fn only_what_time_decides_is_doubted_and_not_for_ever() {
        let busy = Duration::from_secs(2);
        for reason in Reason::ALL {
            let by_time = matches!(reason, Reason::Timeout | Reason::NoFrames);
            let failure = Failure::new(reason, "no");
            assert_eq!(is_ours(&failure, busy, 0), by_time, "{}", reason.as_str());
            assert!(!is_ours(&failure, Duration::from_millis(200), 0));
            assert!(!is_ours(&failure, busy, MOST_DOUBTED));
        }
    }
}
