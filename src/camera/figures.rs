//! What probes came to since the start: numbers for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Reason, Report};

/// Counts of probes. Everybody may read them at any time.
#[derive(Debug, Default)]
pub struct ProbeFigures {
    good: AtomicU64,
    latency_us: AtomicU64,
    failed: [AtomicU64; Reason::ALL.len()],
}

impl ProbeFigures {
    /// One more probe.
    pub fn count(&self, report: &Report) {
        match &report.outcome {
            Ok(seen) => {
                self.good.fetch_add(1, Ordering::Relaxed);
                let latency = u64::try_from(seen.latency.as_micros()).unwrap_or(u64::MAX);
                self.latency_us.fetch_add(latency, Ordering::Relaxed);
            }
            Err(failure) => drop(self.failed[failure.reason as usize].fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// Probes that saw a picture, and how long they took to it together.
    #[must_use]
    pub fn good(&self) -> (u64, Duration) {
        let latency = Duration::from_micros(self.latency_us.load(Ordering::Relaxed));
        (self.good.load(Ordering::Relaxed), latency)
    }

    /// Probes that failed for this reason.
    #[must_use]
    pub fn failed(&self, reason: Reason) -> u64 {
        self.failed[reason as usize].load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::camera::{CameraId, Failure, Sighting};

    #[test]
    fn every_reason_is_counted_by_itself() {
        let figures = ProbeFigures::default();
        let camera = CameraId::new("front").unwrap();
        let report = |outcome| Report { camera: camera.clone(), at: Timestamp::UNIX_EPOCH, outcome };
        for (times, reason) in (1..).zip(Reason::ALL) {
            for _ in 0..times {
                figures.count(&report(Err(Failure::new(reason, "no"))));
            }
        }
        for (times, reason) in (1..).zip(Reason::ALL) {
            assert_eq!(figures.failed(reason), times, "{}", reason.as_str());
        }
        let seen = Sighting { latency: Duration::from_millis(250), ..Sighting::default() };
        figures.count(&report(Ok(seen.clone())));
        figures.count(&report(Ok(seen)));
        assert_eq!(figures.good(), (2, Duration::from_millis(500)));
    }
}
