//! A picture's print: what it takes to tell a picture that stands still from one that lives.
//!
//! A living camera that looks at a still scene differs from a frozen one only by the noise of its sensor. So brightness is compared
//! exactly, cell by cell: noise leaves no cell as it was, also through a frugal encoder; a frozen picture keeps most of its cells,
//! also with a clock in a corner of it and an encoder that changes its mind. The figures stand in `docs/decisions/0008`.

use image::RgbImage;

const COLUMNS: u32 = 48;
const ROWS: u32 = 27;
/// With more cells changed in the slightest than this share it is another picture.
const SAME: f32 = 0.8;
/// With more cells that became visibly brighter or darker than this share too: a clock takes less of a picture.
const CLOCK: f32 = 0.06;
/// Visible: the mean brightness of a cell has changed by more than this, of 255.
const VISIBLE: u8 = 3;
/// A picture whose brightness varies less than this (of 255) is dark, covered or fogged: an encoder makes the same of each.
const FLAT: u8 = 24;

/// The brightness of a picture, by cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    size: (u32, u32),
    flat: bool,
    /// A checksum of each cell's pixels, and their mean.
    cells: Box<[(u32, u8)]>,
}

impl Print {
    /// The print of a picture. `None` when it is too small to be one.
    #[must_use]
    pub fn of(picture: &RgbImage) -> Option<Self> {
        let (width, height) = picture.dimensions();
        if width < COLUMNS || height < ROWS {
            return None;
        }
        let mut cells = vec![Cell::default(); (COLUMNS * ROWS) as usize];
        let (mut darkest, mut brightest) = (u8::MAX, u8::MIN);
        for (y, row) in picture.rows().enumerate() {
            let from = (y as u32 * ROWS / height * COLUMNS) as usize;
            for (x, pixel) in row.enumerate() {
                let brightness = brightness(pixel.0);
                darkest = darkest.min(brightness);
                brightest = brightest.max(brightness);
                cells[from + (x as u32 * COLUMNS / width) as usize].add(brightness);
            }
        }
        let cells = cells.iter().map(Cell::done).collect();
        Some(Self { size: (width, height), flat: brightest - darkest < FLAT, cells })
    }

    /// Whether it is the same picture, but for a clock and what the encoder makes of it. Of a flat picture nothing can be said.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.size == other.size
            && !self.flat
            && self.changed_share(other) <= SAME
            && self.share(other, |one, two| one.1.abs_diff(two.1) > VISIBLE) <= CLOCK
    }

    /// The share of cells, from 0 to 1, in which anything differs.
    #[must_use]
    pub fn changed_share(&self, other: &Self) -> f32 {
        self.share(other, |one, two| one != two)
    }

    fn share(&self, other: &Self, differs: impl Fn(&(u32, u8), &(u32, u8)) -> bool) -> f32 {
        let differing = self.cells.iter().zip(&other.cells).filter(|(one, two)| differs(one, two)).count();
        differing as f32 / self.cells.len() as f32
    }
}

/// A cell while its pixels come in. The checksum is FNV-1a: the same on every machine.
#[derive(Clone)]
struct Cell {
    checksum: u64,
    sum: u32,
    pixels: u32,
}

impl Default for Cell {
    fn default() -> Self {
        Self { checksum: 0xcbf2_9ce4_8422_2325, sum: 0, pixels: 0 }
    }
}

impl Cell {
    fn add(&mut self, brightness: u8) {
        self.checksum = (self.checksum ^ u64::from(brightness)).wrapping_mul(0x0100_0000_01b3);
        self.sum = self.sum.saturating_add(brightness.into());
        self.pixels += 1;
    }

    fn done(&self) -> (u32, u8) {
        let mean = u8::try_from(self.sum / self.pixels.max(1)).unwrap_or(u8::MAX);
        ((self.checksum ^ (self.checksum >> 32)) as u32, mean)
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

    /// A slope of grey with a clock in a corner, and noise in one bit of each pixel.
    fn picture(clock: u32, noise: u32) -> Print {
        let mut seed = noise;
        let picture = RgbImage::from_fn(640, 360, |x, y| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let digit = if x < 200 && y < 40 { (x * clock) % 60 } else { 0 };
            let shake = if noise == 0 { 0 } else { seed >> 31 };
            Rgb([(40 + x / 4 + digit + shake) as u8; 3])
        });
        Print::of(&picture).unwrap()
    }

    #[test]
    fn the_same_picture_with_a_ticking_clock_is_the_same_picture() {
        let first = picture(1, 0);
        assert_eq!(first.changed_share(&first), 0.0);
        assert!(first.is_same(&first) && first.is_same(&picture(7, 0)));
        assert!(first.changed_share(&picture(7, 0)) > 0.0);
    }

    #[test]
    fn the_slightest_noise_all_over_is_another_picture() {
        assert!(!picture(1, 1).is_same(&picture(1, 2)));
        assert_eq!(picture(1, 1).changed_share(&picture(1, 2)), 1.0);
    }

    #[test]
    fn something_that_moves_is_another_picture_also_without_any_noise() {
        let scene = |left: u32| {
            let bright = |x: u32| if x.abs_diff(left) < 30 { 220 } else { (40 + x / 4) as u8 };
            Print::of(&RgbImage::from_fn(640, 360, |x, _| Rgb([bright(x); 3]))).unwrap()
        };
        assert!(scene(100).changed_share(&scene(200)) < SAME);
        assert!(!scene(100).is_same(&scene(200)));
    }

    #[test]
    fn of_a_dark_picture_nothing_can_be_said_and_another_size_is_another_picture() {
        let dark = Print::of(&RgbImage::new(640, 360)).unwrap();
        assert!(!dark.is_same(&dark));
        let other = Print::of(&RgbImage::from_fn(320, 180, |x, _| Rgb([(x / 2) as u8; 3]))).unwrap();
        assert!(!other.is_same(&picture(1, 0)));
        assert!(Print::of(&RgbImage::new(8, 8)).is_none());
    }
}
