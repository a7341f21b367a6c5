//! Decodes one key frame of H.264 or H.265, in Annex B form with its parameter sets, to a picture.

use image::{DynamicImage, Rgb, RgbImage};
use memchr::memmem;
use rusty_h264_decoder::DecodeError;
use rusty_h265::ps::parse_sps;
use rusty_h265::{Error as H265Error, nal};

use super::MOST_PIXELS;

/// A key frame of a 4K camera is about a third of this.
const MOST_BYTES: usize = 4 * 1_024 * 1_024;
/// What a unit follows in Annex B form.
const START: &[u8] = &[0, 0, 1];
/// From this width on every second pixel is enough, which halves memory and time.
const HALVED_FROM: usize = 2_560;

/// The codec of a key frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    H265,
}

/// Why a key frame gives no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyFrameError {
    /// A way of coding that the decoders do not know; interlaced video above all.
    #[error("it is coded in a way that is not understood, perhaps interlaced")]
    Unsupported,
    /// It is damaged, or holds no picture.
    #[error("it is damaged")]
    Broken,
    /// Its bytes or pixels are beyond all reason.
    #[error("it is too large")]
    TooLarge,
}

/// The picture of a key frame. `size` is what the stream's parameters say of width and height: it is checked before any memory
/// is taken.
///
/// # Errors
/// [`KeyFrameError`] when there is no picture in it.
pub(crate) fn decode(codec: Codec, annex_b: &[u8], size: Option<(u32, u32)>) -> Result<DynamicImage, KeyFrameError> {
    let pixels = size.map_or(0, |(width, height)| u64::from(width) * u64::from(height));
    if annex_b.len() > MOST_BYTES || pixels > MOST_PIXELS {
        return Err(KeyFrameError::TooLarge);
    }
    let annex_b = first_picture(codec, annex_b);
    match codec {
        Codec::H264 => h264(annex_b),
        Codec::H265 => h265(annex_b),
    }
}

/// Up to the end of the first picture. The decoders would go on and keep every picture that they find, and of a picture that repeats
/// the one before it there is room for a hundred thousand in [`MOST_BYTES`].
fn first_picture(codec: Codec, annex_b: &[u8]) -> &[u8] {
    let is_beginning = |unit: &[u8]| match codec {
        // The first macroblock of the slice is number 0 (ITU-T H.264, section 7.3.3).
        Codec::H264 => matches!(unit, [header, slice, ..] if matches!(header & 0x1f, 1 | 2 | 5) && slice & 0x80 != 0),
        // first_slice_segment_in_pic_flag (ITU-T H.265, section 7.3.6.1).
        Codec::H265 => matches!(unit, [header, _, slice, ..] if header >> 1 & 0x3f < 32 && slice & 0x80 != 0),
    };
    let mut beginnings = memmem::find_iter(annex_b, START).filter(|at| is_beginning(&annex_b[at + START.len()..]));
    match beginnings.nth(1) {
        Some(second) => &annex_b[..second],
        None => annex_b,
    }
}

/// The size in every parameter set: what the stream declares elsewhere need not be what the picture goes by, and this decoder would
/// take memory for 285 million pixels.
fn is_h265_too_large(annex_b: &[u8]) -> bool {
    nal::split_annex_b(annex_b)
        .into_iter()
        .filter(|unit| nal::NalHeader::parse(unit).is_some_and(|header| header.nal_type == nal::NalType::Sps))
        .filter_map(|unit| parse_sps(&nal::unescape(&unit[2..]).data).ok())
        .any(|sps| u64::from(sps.width) * u64::from(sps.height) > MOST_PIXELS)
}

fn h264(annex_b: &[u8]) -> Result<DynamicImage, KeyFrameError> {
    let frames = rusty_h264_decoder::Decoder::new().decode_stream(annex_b).map_err(|error| match error {
        DecodeError::Unsupported(_) => KeyFrameError::Unsupported,
        _ => KeyFrameError::Broken,
    })?;
    let frame = frames.into_iter().next().ok_or(KeyFrameError::Broken)?;
    let (width, half) = (frame.width, frame.width.div_ceil(2));
    let planes = Planes {
        width,
        height: frame.height,
        luma: |x, y| frame.y.get(y * width + x).copied(),
        chroma: |x, y| {
            let at = y * half + x;
            Some((frame.u.get(at).copied()?, frame.v.get(at).copied()?))
        },
    };
    planes.picture()
}

fn h265(annex_b: &[u8]) -> Result<DynamicImage, KeyFrameError> {
    let refused = |error: H265Error| match error {
        H265Error::Unsupported(_) => KeyFrameError::Unsupported,
        _ => KeyFrameError::Broken,
    };
    if is_h265_too_large(annex_b) {
        return Err(KeyFrameError::TooLarge);
    }
    let mut decoder = rusty_h265::Decoder::new();
    decoder.push_annexb(annex_b, None).map_err(refused)?;
    decoder.flush();
    let frame = decoder.next_frame().map_err(refused)?;
    let (left, top, _width, _height) = frame.picture.crop;
    let shift = frame.bit_depth().saturating_sub(8);
    let sample = |plane: usize, x: usize, y: usize| {
        let plane = &frame.picture.planes[plane];
        (x < plane.width)
            .then(|| plane.data.get(y * plane.stride + x))
            .flatten()
            .map(|value| (value >> shift).min(255) as u8)
    };
    let planes = Planes {
        width: frame.width,
        height: frame.height,
        luma: |x, y| sample(0, x + left, y + top),
        chroma: |x, y| Some((sample(1, x + left / 2, y + top / 2)?, sample(2, x + left / 2, y + top / 2)?)),
    };
    planes.picture()
}

/// A picture in 4:2:0: brightness for each pixel, colour for each square of four.
struct Planes<L, C> {
    width: usize,
    height: usize,
    luma: L,
    chroma: C,
}

impl<L, C> Planes<L, C>
where
    L: Fn(usize, usize) -> Option<u8>,
    C: Fn(usize, usize) -> Option<(u8, u8)>,
{
    fn picture(&self) -> Result<DynamicImage, KeyFrameError> {
        if self.width == 0 || self.height == 0 || (self.width * self.height) as u64 > MOST_PIXELS {
            return Err(KeyFrameError::Broken);
        }
        let step = if self.width >= HALVED_FROM { 2 } else { 1 };
        let (width, height) = (self.width / step, self.height / step);
        let full_range = self.is_full_range();
        let high_definition = self.height >= 720;
        let mut picture = RgbImage::new(width as u32, height as u32);
        for (at, pixel) in picture.pixels_mut().enumerate() {
            let (x, y) = (at % width * step, at / width * step);
            let (luma, (blue, red)) =
                (self.luma)(x, y).zip((self.chroma)(x / 2, y / 2)).ok_or(KeyFrameError::Broken)?;
            *pixel = rgb(luma, blue, red, full_range, high_definition);
        }
        Ok(picture.into())
    }

    /// The decoders do not say which range the stream declares. Video in the limited range keeps out of the borders but for a
    /// few overshoots.
    fn is_full_range(&self) -> bool {
        let step = (self.width / 64).max(1);
        let (mut beyond, mut all) = (0_usize, 0_usize);
        for y in (0..self.height).step_by(step) {
            for x in (0..self.width).step_by(step) {
                all += 1;
                beyond += usize::from((self.luma)(x, y).is_some_and(|luma| !(12..=240).contains(&luma)));
            }
        }
        beyond * 100 > all
    }
}

/// ITU-R BT.709 for high definition, else BT.601, in whole numbers of 1/65536.
fn rgb(luma: u8, blue: u8, red: u8, full_range: bool, high_definition: bool) -> Rgb<u8> {
    let (black, gain) = if full_range { (0, 65_536) } else { (16, 76_309) };
    let (red_red, blue_green, red_green, blue_blue) = match (high_definition, full_range) {
        (true, false) => (117_489, 13_975, 34_925, 138_438),
        (true, true) => (103_206, 12_276, 30_679, 121_609),
        (false, false) => (104_597, 25_675, 53_279, 132_201),
        (false, true) => (91_881, 22_553, 46_802, 116_130),
    };
    let grey = (i32::from(luma) - black) * gain;
    let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
    let byte = |value: i32| ((value + 32_768) >> 16).clamp(0, 255) as u8;
    Rgb([byte(grey + red * red_red), byte(grey - blue * blue_green - red * red_green), byte(grey + blue * blue_blue)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first byte chooses the codec for the fuzz target.
    const H264: &[u8] = include_bytes!("../../fuzz/seeds/keyframe/h264");
    const HIGH: &[u8] = include_bytes!("../../fuzz/seeds/keyframe/h264_high");
    const H265: &[u8] = include_bytes!("../../fuzz/seeds/keyframe/h265");
    /// The parameter set of a stream of 8192 by 8192 pixels, from x265.
    const VAST: &[u8] = b"\0\0\x01\x42\x01\x01\x01\x60\0\0\x03\0\x90\0\0\x03\0\0\x03\0\xff\xa0\0\x40\x02\0\x08\0\x59\x65\x65\x4a\x4c\x2f\
        \x01\x68\x08\0\0\x03\0\x08\0\0\x03\0\x08\x40";

    #[test]
    fn a_key_frame_becomes_a_picture() {
        for (codec, frame) in [(Codec::H264, &H264[1..]), (Codec::H264, &HIGH[1..]), (Codec::H265, &H265[1..])] {
            assert!(decode(codec, frame, None).is_ok(), "{codec:?}");
        }
    }

    #[test]
    fn of_many_pictures_in_one_key_frame_the_first_is_decoded_and_no_other() {
        for (codec, frame) in [(Codec::H264, &H264[1..]), (Codec::H264, &HIGH[1..]), (Codec::H265, &H265[1..])] {
            let alone = first_picture(codec, frame);
            assert_eq!(alone.len(), frame.len(), "{codec:?}: a picture in several slices stays whole");
            let many = first_picture(codec, &frame.repeat(1_000)).len();
            assert!((frame.len()..2 * frame.len()).contains(&many), "{codec:?}: {many} bytes");
        }
    }

    #[test]
    fn a_size_beyond_all_reason_is_refused_wherever_it_stands() {
        assert_eq!(decode(Codec::H264, &H264[1..], Some((7_680, 7_680))), Err(KeyFrameError::TooLarge));
        // Beside the parameter set of a sensible size that the stream is known by.
        let both = [VAST, &H265[1..]].concat();
        assert_eq!(decode(Codec::H265, &both, Some((640, 480))), Err(KeyFrameError::TooLarge));
    }
}
