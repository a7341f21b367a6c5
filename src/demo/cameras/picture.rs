//! The pictures of the simulated cameras. Pure: the time is an argument. Invariant: two moments have two pictures.

use std::f32::consts::TAU;
use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

const WIDTH: u16 = 640;
const HEIGHT: u16 = 360;
const QUALITY: u8 = 85;

/// Radius of the clock in pixels.
const RADIUS: f32 = 120.0;
/// How much of a turn the hand's trail covers.
const TRAIL: f32 = 0.3;

/// What a camera looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    /// A door in the evening.
    FrontDoor,
    /// Hills in the morning.
    Garden,
}

type Colour = [f32; 3];

struct Colours {
    sky: Colour,
    horizon: Colour,
    ground: Colour,
    hand: Colour,
}

impl Scene {
    fn colours(self) -> Colours {
        match self {
            Self::FrontDoor => Colours {
                sky: [38.0, 30.0, 72.0],
                horizon: [242.0, 142.0, 96.0],
                ground: [58.0, 44.0, 58.0],
                hand: [255.0, 214.0, 140.0],
            },
            Self::Garden => Colours {
                sky: [92.0, 164.0, 224.0],
                horizon: [226.0, 240.0, 232.0],
                ground: [62.0, 124.0, 74.0],
                hand: [250.0, 250.0, 235.0],
            },
        }
    }

    /// How far down the picture the ground begins, above this column.
    fn skyline(self, x: f32) -> f32 {
        match self {
            Self::FrontDoor if (60.0..150.0).contains(&x) => 120.0,
            Self::FrontDoor => 300.0,
            Self::Garden => 285.0 + 22.0 * (x / 95.0).sin() + 9.0 * (x / 31.0).cos(),
        }
    }
}

/// Draws the scene under a clock whose hand has made this part of its turn.
pub(crate) fn jpeg(scene: Scene, turn: f32) -> Vec<u8> {
    let colours = scene.colours();
    let picture = RgbImage::from_fn(WIDTH.into(), HEIGHT.into(), |x, y| {
        let (x, y) = (x as f32, y as f32);
        let behind = match y > scene.skyline(x) {
            true => colours.ground,
            false => mix(colours.sky, colours.horizon, y / f32::from(HEIGHT)),
        };
        let from_centre = (x - f32::from(WIDTH) / 2.0, y - f32::from(HEIGHT) / 2.0);
        Rgb(clock(behind, colours.hand, from_centre, turn).map(|part| part as u8))
    });
    let mut bytes = Cursor::new(Vec::new());
    let encoded = picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY));
    encoded.expect("a picture in memory can be encoded");
    bytes.into_inner()
}

/// The clock over one pixel: a dim face, twelve marks, and a hand with a fading trail.
fn clock(behind: Colour, hand: Colour, (x, y): (f32, f32), turn: f32) -> Colour {
    let distance = x.hypot(y);
    if distance > RADIUS + 2.0 {
        return behind;
    }
    let angle = x.atan2(-y).rem_euclid(TAU) / TAU;
    let face = mix(behind, [12.0, 14.0, 28.0], 0.45);
    let since_hand = (turn - angle).rem_euclid(1.0);
    let trail = 0.65 * (1.0 - since_hand / TRAIL).max(0.0);
    // Distances in pixels from the hand's line and from the nearest of the twelve marks' lines.
    let off_hand = ((since_hand + 0.5).rem_euclid(1.0) - 0.5).abs() * TAU * distance;
    let off_mark = ((angle * 12.0 + 0.5).rem_euclid(1.0) - 0.5).abs() / 12.0 * TAU * distance;
    let on_ring = (distance - RADIUS).abs() < 2.0;
    let on_mark = (0.84..0.93).contains(&(distance / RADIUS)) && off_mark < 2.5;
    let on_hand = off_hand < 2.5 && distance < 0.97 * RADIUS;
    if on_ring || on_mark || on_hand || distance < 7.0 { hand } else { mix(face, hand, trail) }
}

fn mix(from: Colour, to: Colour, share: f32) -> Colour {
    std::array::from_fn(|i| from[i] + (to[i] - from[i]) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_a_real_jpeg_and_not_a_large_one() {
        for scene in [Scene::FrontDoor, Scene::Garden] {
            let bytes = jpeg(scene, 0.3);
            let picture = image::load_from_memory(&bytes).unwrap();
            assert_eq!((picture.width(), picture.height()), (WIDTH.into(), HEIGHT.into()));
            assert!(bytes.len() < 100_000, "{}", bytes.len());
        }
    }

    #[test]
    fn the_picture_never_looks_frozen() {
        use crate::picture::Print;
        let print = |scene, turn| Print::of(&image::load_from_memory(&jpeg(scene, turn)).unwrap().into_rgb8()).unwrap();
        for scene in [Scene::FrontDoor, Scene::Garden] {
            // Two checks are five seconds apart, a twelfth of a turn.
            let turns: Vec<_> = (0..12_u8).map(|twelfth| print(scene, f32::from(twelfth) / 12.0)).collect();
            for pair in turns.windows(2) {
                assert!(!pair[0].is_same(&pair[1]), "{scene:?}");
            }
        }
    }

    #[test]
    fn the_picture_moves() {
        assert_ne!(jpeg(Scene::Garden, 0.1), jpeg(Scene::Garden, 0.11));
    }
}
