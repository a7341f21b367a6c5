//! Pictures: decoded from key frames, made to fit, and compared.
//!
//! A picture that leaves here is a JPEG of at most 1280 pixels on its longest side, and of no more bytes than the caller allows.
//! Everything here blocks for as long as it computes, and trusts nothing that it is given.

pub(crate) mod jpeg;
pub(crate) mod keyframe;
mod print;

pub(crate) use print::Print;

use std::io::Cursor;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::error::{LimitError, LimitErrorKind};
use image::{DynamicImage, ImageFormat, ImageReader, Limits};

/// Longest side, in pixels.
const LONGEST: u32 = 1_280;
/// Steps of size and quality, tried until one fits.
const STEPS: [(u32, u8); 6] = [(LONGEST, 85), (LONGEST, 70), (960, 75), (640, 70), (480, 60), (320, 50)];
/// Memory that decoding an event's picture may take, also when it is made of three bytes a pixel afterwards: 40 megapixels need 120 MB.
const MEMORY: u64 = 120 * 1_024 * 1_024;
/// The same for what a camera answers to a probe: several are looked at at once. 22 megapixels.
const SNAPSHOT_MEMORY: u64 = 64 * 1_024 * 1_024;

/// The largest picture that is decoded, in pixels: 8K.
pub(crate) const MOST_PIXELS: u64 = 7_680 * 4_320;

/// Why a picture cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    /// It cannot be decoded.
    #[error("the picture cannot be decoded: {0}")]
    Broken(#[from] image::ImageError),
    /// Not even the smallest step fits.
    #[error("the picture does not fit into {limit} bytes, however small")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// The JPEG as it is when it fits, else a smaller one.
///
/// Blocks for as long as decoding takes: call it where blocking is fine.
///
/// # Errors
/// [`PictureError`] when there is nothing to send.
pub(crate) fn fit(jpeg: &Bytes, limit: usize) -> Result<Bytes, PictureError> {
    let (width, height) = ImageReader::with_format(Cursor::new(jpeg), ImageFormat::Jpeg).into_dimensions()?;
    if width <= LONGEST && height <= LONGEST && jpeg.len() <= limit {
        return Ok(jpeg.clone());
    }
    shrink(&decode_within(jpeg, MEMORY)?, limit)
}

/// A JPEG of at most `limit` bytes: smaller first, then of lower quality.
///
/// # Errors
/// [`PictureError::TooLarge`] when not even the smallest step fits.
pub(crate) fn shrink(picture: &DynamicImage, limit: usize) -> Result<Bytes, PictureError> {
    for (side, quality) in STEPS {
        let smaller = encode(picture, side, quality)?;
        if smaller.len() <= limit {
            return Ok(smaller.into());
        }
    }
    Err(PictureError::TooLarge { limit })
}

/// The picture in a JPEG or PNG file.
///
/// # Errors
/// [`PictureError::Broken`] when it is neither, is damaged, or would take too much memory.
pub(crate) fn decode(file: &Bytes) -> Result<DynamicImage, PictureError> {
    decode_within(file, SNAPSHOT_MEMORY)
}

fn decode_within(file: &Bytes, memory: u64) -> Result<DynamicImage, PictureError> {
    let reader = || ImageReader::new(Cursor::new(file)).with_guessed_format().map_err(image::ImageError::IoError);
    let (width, height) = reader()?.into_dimensions()?;
    let in_passes = file.starts_with(jpeg::BEGINNING) && jpeg::may_be_progressive(file);
    let most = if in_passes { memory / 3 } else { memory };
    // Grey becomes colour afterwards, and three times as large.
    if u64::from(width) * u64::from(height) * 3 > most {
        let too_much = LimitError::from_kind(LimitErrorKind::InsufficientMemory);
        return Err(image::ImageError::Limits(too_much).into());
    }
    let mut reader = reader()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(most);
    reader.limits(limits);
    Ok(reader.decode()?)
}

fn encode(picture: &DynamicImage, side: u32, quality: u8) -> Result<Vec<u8>, PictureError> {
    let scaled =
        if picture.width() > side || picture.height() > side { &picture.thumbnail(side, side) } else { picture };
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&scaled.to_rgb8())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise: the worst that a JPEG can hold.
    fn noisy(width: u32, height: u32) -> Bytes {
        let mut seed = 1u32;
        let picture = image::RgbImage::from_fn(width, height, |_, _| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Rgb([(seed >> 24) as u8, (seed >> 16) as u8, (seed >> 8) as u8])
        });
        encode(&DynamicImage::ImageRgb8(picture), 10_000, 95).unwrap().into()
    }

    fn size(jpeg: &Bytes) -> (u32, u32) {
        ImageReader::with_format(Cursor::new(jpeg), ImageFormat::Jpeg).into_dimensions().unwrap()
    }

    #[test]
    fn a_picture_that_fits_stays_as_it_is() {
        let jpeg = noisy(640, 480);
        assert_eq!(fit(&jpeg, 2_000_000).unwrap(), jpeg);
    }

    #[test]
    fn a_large_picture_becomes_smaller_and_keeps_its_shape() {
        assert_eq!(size(&fit(&noisy(2_560, 1_440), 2_000_000).unwrap()), (1_280, 720));
    }

    #[test]
    fn the_packet_limit_is_kept() {
        let jpeg = noisy(1_280, 720);
        for limit in [200_000, 60_000, 20_000] {
            assert!(fit(&jpeg, limit).unwrap().len() <= limit, "{limit}");
        }
        assert!(matches!(fit(&jpeg, 500), Err(PictureError::TooLarge { .. })));
    }

    #[test]
    fn a_progressive_picture_that_would_take_too_much_memory_is_refused_by_its_header() {
        let mut jpeg = noisy(64, 48).to_vec();
        let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
        // 8192 by 4880 pixels, in passes.
        jpeg[frame + 1] = 0xc2;
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0x13, 0x10, 0x20, 0x00]);
        let refused = decode(&jpeg.into()).unwrap_err();
        assert!(matches!(refused, PictureError::Broken(image::ImageError::Limits(_))), "{refused:?}");
    }

    #[test]
    fn bytes_that_belong_to_nothing_do_not_hide_that_a_picture_comes_in_passes() {
        let mut jpeg = noisy(64, 48).to_vec();
        let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
        jpeg[frame + 1] = 0xc2;
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0x13, 0x10, 0x20, 0x00]);
        let strange = [&jpeg[..frame], &[0, 0], &jpeg[frame..]].concat();
        let refused = decode(&strange.into()).unwrap_err();
        assert!(matches!(refused, PictureError::Broken(image::ImageError::Limits(_))), "{refused:?}");
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        assert!(matches!(fit(&Bytes::from_static(b"\xff\xd8\xff nonsense"), 1_000), Err(PictureError::Broken(_))));
    }
}
