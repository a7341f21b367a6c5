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
pub(crate) struct Limits {
    full_again: HashMap<CameraId, Instant>,
}

impl Limits {
    /// Takes a token.
    ///
    /// # Errors
    /// The time until there is one again.
    pub(crate) fn admit(&mut self, camera: &CameraId, now: Instant) -> Result<(), Duration> {
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

/// Says when a line about bad calls is due: each kind of them for itself, so that one does not hide another.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    last: HashMap<(&'static str, Option<CameraId>), Instant>,
}

/// Kinds and cameras that are told apart; beyond it they share one line.
const MOST_COMPLAINTS: usize = 64;

impl Complaints {
    /// Is one of this kind due, about this camera? Then it counts as written.
    pub(crate) fn due(&mut self, kind: &'static str, camera: Option<CameraId>, now: Instant) -> bool {
        self.last.retain(|_, last| now.duration_since(*last) < COMPLAIN_EVERY);
        let key = if self.last.len() < MOST_COMPLAINTS { (kind, camera) } else { ("", None) };
        let due = !self.last.contains_key(&key);
        if due {
            self.last.insert(key, now);
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
    fn complaints_are_rare_and_do_not_hide_one_another() {
        let (mut complaints, now) = (Complaints::default(), Instant::now());
        let at = |s: u64| now + Duration::from_secs(s);
        let due = (0..100).filter(|s| complaints.due("x", None, at(*s))).count();
        assert_eq!(due, 10);
        assert!(complaints.due("y", None, at(99)) && complaints.due("x", Some(camera("front")), at(99)));
        assert!(!complaints.due("y", None, at(99)));
        let many = (0..1_000).filter(|i| complaints.due("z", Some(camera(&format!("c{i}"))), at(99))).count();
        assert!(many <= MOST_COMPLAINTS, "{many}");
    }
}
