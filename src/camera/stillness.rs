//! Tells a frozen camera from one that looks at a still scene. Pure, time is an argument.
//!
//! In: the print of each probe's picture. Out: whether the picture stands still. Invariant: never before three probes and a
//! minute. How it was chosen, and how often it errs, stands in `docs/decisions/0008`.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::picture::Print;

/// Certain after this many probes, at least.
const CERTAIN_PROBES: u32 = 3;
/// Certain after this long, at least.
const CERTAIN_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// How long a camera has shown the same picture.
#[derive(Debug, Default)]
pub(super) struct Stillness(Option<Streak>);

#[derive(Debug)]
struct Streak {
    /// The first picture of the streak: what comes later is compared with it, so that slow light does not add up to stillness.
    first: Arc<Print>,
    since: Timestamp,
    probes: u32,
}

impl Stillness {
    /// Takes note of a picture. Returns since when the same one is shown, once that is certain.
    pub(super) fn observe(&mut self, print: &Arc<Print>, at: Timestamp) -> Option<Timestamp> {
        match &mut self.0 {
            Some(streak) if streak.first.is_same(print) => {
                streak.probes = streak.probes.saturating_add(1);
                let long = at.duration_since(streak.since) >= CERTAIN_AFTER;
                (streak.probes >= CERTAIN_PROBES && long).then_some(streak.since)
            }
            other => {
                *other = Some(Streak { first: print.clone(), since: at, probes: 1 });
                None
            }
        }
    }

    /// A failed probe says nothing of the picture, but what comes after it may be another life.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn print(grey: u8, noise: u32) -> Arc<Print> {
        let mut seed = noise;
        let picture = RgbImage::from_fn(320, 180, |x, _| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let shake = if noise == 0 { 0 } else { (seed >> 30) as u8 };
            Rgb([grey + (x / 4) as u8 + shake; 3])
        });
        Arc::new(Print::of(&picture).unwrap())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn the_same_picture_is_frozen_after_three_probes_and_a_minute_and_not_before() {
        let mut often = Stillness::default();
        for second in (0..60).step_by(5) {
            assert_eq!(often.observe(&print(50, 0), at(second)), None, "{second}");
        }
        assert_eq!(often.observe(&print(50, 0), at(60)), Some(at(0)));

        let mut seldom = Stillness::default();
        assert_eq!(seldom.observe(&print(50, 0), at(0)), None);
        assert_eq!(seldom.observe(&print(50, 0), at(300)), None);
        assert_eq!(seldom.observe(&print(50, 0), at(600)), Some(at(0)));
    }

    #[test]
    fn a_still_scene_with_the_noise_of_a_sensor_is_alive() {
        let mut stillness = Stillness::default();
        for probe in 1..100_u32 {
            assert_eq!(stillness.observe(&print(50, probe), at(i64::from(probe) * 30)), None);
        }
    }

    #[test]
    fn another_picture_begins_anew_and_so_does_a_failure() {
        let mut stillness = Stillness::default();
        stillness.observe(&print(50, 0), at(0));
        stillness.observe(&print(50, 0), at(60));
        assert_eq!(stillness.observe(&print(90, 0), at(120)), None);
        assert_eq!(stillness.observe(&print(90, 0), at(150)), None);
        stillness.forget();
        assert_eq!(stillness.observe(&print(90, 0), at(180)), None);
        assert_eq!(stillness.observe(&print(90, 0), at(240)), None);
        assert_eq!(stillness.observe(&print(90, 0), at(300)), Some(at(180)));
    }
}
