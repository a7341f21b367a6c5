//! A picture's print: samples of its brightness, to tell a picture that stands still from one that lives.
//!
//! Single pixels are sampled, not averages: what tells a living camera in a still room from a frozen one is the noise of its
//! sensor, and averaging removes exactly that.

use image::RgbImage;

const COLUMNS: u32 = 96;
const ROWS: u32 = 54;

/// How much two pictures have in common, as shares of the samples from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// Exactly as bright.
    pub equal: f32,
    /// As bright but for rounding: at most 2 of 255 apart.
    pub close: f32,
}

/// Samples of a picture's brightness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    size: (u32, u32),
    samples: Box<[u8]>,
}

impl Print {
    /// The print of a picture. `None` when it is too small to be one.
    #[must_use]
    pub fn of(picture: &RgbImage) -> Option<Self> {
        let (width, height) = picture.dimensions();
        if width < 16 || height < 16 {
            return None;
        }
        let at = |index: u32, count: u32, size: u32| {
            u32::try_from((u64::from(index) * 2 + 1) * u64::from(size) / (u64::from(count) * 2)).unwrap_or(0)
        };
        let samples = (0..ROWS).flat_map(|row| {
            (0..COLUMNS)
                .map(move |column| brightness(picture.get_pixel(at(column, COLUMNS, width), at(row, ROWS, height)).0))
        });
        Some(Self { size: (width, height), samples: samples.collect() })
    }

    /// How alike two pictures are. Pictures of different sizes have nothing in common.
    #[must_use]
    pub fn likeness(&self, other: &Self) -> Likeness {
        if self.size != other.size {
            return Likeness { equal: 0.0, close: 0.0 };
        }
        let apart = |most: u8| {
            let alike = self.samples.iter().zip(&other.samples).filter(|(a, b)| a.abs_diff(**b) <= most).count();
            alike as f32 / self.samples.len() as f32
        };
        Likeness { equal: apart(0), close: apart(2) }
    }
}

/// ITU-R BT.601 luma.
fn brightness([red, green, blue]: [u8; 3]) -> u8 {
    let sum = u32::from(red) * 77 + u32::from(green) * 150 + u32::from(blue) * 29;
    u8::try_from(sum >> 8).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn picture(width: u32, clock: u32, noise: u32) -> RgbImage {
        let mut seed = noise.wrapping_mul(2_654_435_761);
        RgbImage::from_fn(width, width * 9 / 16, |x, y| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let shake = if noise == 0 { 0 } else { seed >> 29 };
            let digit = if x < width / 5 && y < width / 40 { (x * clock) % 160 } else { 0 };
            let grey = u8::try_from(40 + x * 120 / width + shake + digit).unwrap_or(u8::MAX);
            Rgb([grey, grey, grey])
        })
    }

    #[test]
    fn the_same_picture_is_wholly_alike_and_a_ticking_clock_changes_little() {
        let still = Print::of(&picture(640, 1, 0)).unwrap();
        assert_eq!(still.likeness(&still), Likeness { equal: 1.0, close: 1.0 });
        let later = Print::of(&picture(640, 7, 0)).unwrap();
        let likeness = still.likeness(&later);
        assert!(likeness.equal > 0.97 && likeness.equal < 1.0, "{likeness:?}");
    }

    #[test]
    fn noise_and_another_size_are_not_alike() {
        let one = Print::of(&picture(640, 1, 1)).unwrap();
        let other = Print::of(&picture(640, 1, 2)).unwrap();
        assert!(one.likeness(&other).equal < 0.3);
        assert_eq!(one.likeness(&Print::of(&picture(1_280, 1, 1)).unwrap()).close, 0.0);
        assert!(Print::of(&picture(8, 1, 1)).is_none());
    }
}
