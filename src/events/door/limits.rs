//! How often: events per camera, and lines in the log. Pure; time is an argument.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::camera::CameraId;

/// 50 events a second, sustained.
const EVERY: Duration = Duration::from_millis(20);
/// How many may come at once.
const BURST: u32 = 100;
/// The log does not grow with the number of bad calls.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// A token bucket per camera, kept as the time at which it will be full again (the form of ITU-T I.371's GCRA).
///
/// Ask only for cameras that exist: each one asked for takes an entry until its bucket is full again.
#[derive(Debug, Default)]
pub struct Limits {
    full_again: HashMap<CameraId, Instant>,
}

impl Limits {
    /// Takes a token.
    ///
    /// # Errors
    /// The time until there is one again.
    pub fn admit(&mut self, camera: &CameraId, now: Instant) -> Result<(), Duration> {
        let full_again = match self.full_again.get_mut(camera) {
            Some(full_again) => full_again,
            None => {
                // A newcomer is rare; then those that left are forgotten.
                self.full_again.retain(|_, full_again| *full_again > now);
                self.full_again.entry(camera.clone()).or_insert(now)
            }
        };
        let next = (*full_again).max(now) + EVERY;
        match next.duration_since(now).checked_sub(EVERY * BURST) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *full_again = next;
                Ok(())
            }
        }
    }
}

/// Says when a line about bad calls is due.
#[derive(Debug, Default)]
pub struct Complaints {
    last: Option<Instant>,
}

impl Complaints {
    /// Is one due? Then it counts as written.
    pub fn due(&mut self, now: Instant) -> bool {
        let due = self.last.is_none_or(|last| now.duration_since(last) >= COMPLAIN_EVERY);
        if due {
            self.last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(id: &str) -> CameraId {
        CameraId::new(id).unwrap()
    }

    #[test]
    fn a_burst_passes_and_then_fifty_a_second() {
        let (mut limits, front, start) = (Limits::default(), camera("front"), Instant::now());
        let admitted = (0..1_000).filter(|_| limits.admit(&front, start).is_ok()).count();
        assert_eq!(admitted, 100);
        // Ten times the limit for ten seconds.
        let admitted =
            (1..=5_000).filter(|i| limits.admit(&front, start + Duration::from_millis(2) * *i).is_ok()).count();
        assert_eq!(admitted, 500);
    }

    #[test]
    fn one_camera_does_not_take_from_another() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        while limits.admit(&camera("front"), now).is_ok() {}
        assert_eq!(limits.admit(&camera("back"), now), Ok(()));
    }

    #[test]
    fn the_wait_is_told_and_kept() {
        let (mut limits, front, now) = (Limits::default(), camera("front"), Instant::now());
        while limits.admit(&front, now).is_ok() {}
        let wait = limits.admit(&front, now).unwrap_err();
        assert_eq!(wait, EVERY);
        assert_eq!(limits.admit(&front, now + wait), Ok(()));
    }

    #[test]
    fn cameras_that_left_are_forgotten() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        for i in 0..10_000_u32 {
            limits.admit(&camera(&format!("c{i}")), now + Duration::from_secs(i.into())).unwrap();
        }
        assert!(limits.full_again.len() < 5, "{}", limits.full_again.len());
    }

    #[test]
    fn complaints_are_rare() {
        let (mut complaints, now) = (Complaints::default(), Instant::now());
        let due = (0..100).filter(|s| complaints.due(now + Duration::from_secs(*s))).count();
        assert_eq!(due, 10);
    }
}
