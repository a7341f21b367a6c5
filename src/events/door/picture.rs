//! A picture that a sender gives: a real JPEG within bounds. Only its header is read.

use std::io::Cursor;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use image::ImageDecoder;
use image::codecs::jpeg::JpegDecoder;

use super::Reject;

/// The picture as a file.
pub(super) const MAX_BYTES: usize = 8 * 1_024 * 1_024;
/// Width and height. What decodes to more is no picture of a camera, but a bomb.
const MAX_SIDE: u32 = 8_192;
const MAX_PIXELS: u64 = 40_000_000;

/// Senders leave the padding out, and take either alphabet of RFC 4648.
const PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDING);

/// Begins as a JPEG does (ITU-T T.81, annex B: SOI, then a marker).
pub(super) fn looks_like_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff])
}

/// Lets a JPEG through. What follows its end is tolerated: cameras append their own data.
pub(super) fn check(bytes: Bytes) -> Result<Bytes, Reject> {
    if bytes.len() > MAX_BYTES {
        return Err(Reject::PictureTooLarge);
    }
    if !looks_like_jpeg(&bytes) {
        return Err(Reject::NotAJpeg);
    }
    let (width, height) = JpegDecoder::new(Cursor::new(&bytes)).map_err(|_broken| Reject::NotAJpeg)?.dimensions();
    if width == 0 || height == 0 {
        return Err(Reject::NotAJpeg);
    }
    if width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Reject::TooManyPixels);
    }
    Ok(bytes)
}

/// The JPEG in a text: plain base64, or a data URL (RFC 2397).
pub(super) fn from_text(text: &str) -> Result<Bytes, Reject> {
    let encoded = match strip_data(text.trim()) {
        None => text.trim(),
        Some(url) => {
            let (head, encoded) = url.split_once(',').ok_or(Reject::NotBase64)?;
            let is_base64 = head.rsplit(';').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("base64"));
            if !is_base64 {
                return Err(Reject::NotBase64);
            }
            encoded
        }
    };
    // Mail encoders break the lines.
    let joined: String;
    let encoded = if encoded.bytes().any(|b| b.is_ascii_whitespace()) {
        joined = encoded.split_ascii_whitespace().collect();
        &joined
    } else {
        encoded
    };
    // 4 characters for 3 bytes.
    if encoded.len() / 4 * 3 > MAX_BYTES + 3 {
        return Err(Reject::PictureTooLarge);
    }
    let engine = if encoded.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    let bytes = engine.decode(encoded).map_err(|_broken| Reject::NotBase64)?;
    check(bytes.into())
}

/// Is it a data URL?
pub(super) fn is_data_url(text: &str) -> bool {
    strip_data(text.trim_start()).is_some()
}

fn strip_data(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked(5)?;
    scheme.eq_ignore_ascii_case("data:").then_some(rest)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A JPEG with this size in its header; a real one, when the size is small.
    pub(crate) fn jpeg(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = Vec::new();
        image::codecs::jpeg::JpegEncoder::new(&mut bytes)
            .encode(&[128; 8 * 8 * 3], 8, 8, image::ExtendedColorType::Rgb8)
            .unwrap();
        // SOF0: marker, length, precision, height, width.
        let at = bytes.windows(2).position(|two| two == [0xff, 0xc0]).unwrap() + 5;
        bytes[at..at + 2].copy_from_slice(&height.to_be_bytes());
        bytes[at + 2..at + 4].copy_from_slice(&width.to_be_bytes());
        bytes
    }

    #[test]
    fn a_jpeg_passes_with_what_follows_it() {
        let mut bytes = jpeg(640, 480);
        assert!(check(bytes.clone().into()).is_ok());
        bytes.extend([0; 1_000]);
        assert!(check(bytes.into()).is_ok());
    }

    #[test]
    fn a_bomb_is_seen_by_its_header() {
        for (width, height) in [(65_500, 65_500), (8_193, 1), (1, 8_193), (8_192, 8_192)] {
            assert_eq!(check(jpeg(width, height).into()), Err(Reject::TooManyPixels), "{width}x{height}");
        }
        assert!(check(jpeg(8_192, 4_882).into()).is_ok());
    }

    #[test]
    fn other_files_do_not_pass() {
        let cut = jpeg(8, 8)[..20].to_vec();
        for other in
            [b"\x89PNG\r\n\x1a\n".to_vec(), b"GIF89a".to_vec(), Vec::new(), vec![0xff, 0xd8, 0xff], cut, jpeg(0, 8)]
        {
            assert_eq!(check(other.clone().into()), Err(Reject::NotAJpeg), "{other:?}");
        }
        let mut large = jpeg(8, 8);
        large.resize(MAX_BYTES + 1, 0);
        assert_eq!(check(large.into()), Err(Reject::PictureTooLarge));
    }

    #[test]
    fn base64_comes_in_many_forms() {
        let picture = jpeg(640, 480);
        let plain = STANDARD.encode(&picture);
        let lines: Vec<_> = plain.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        for text in [
            plain.clone(),
            plain.trim_end_matches('=').to_owned(),
            URL_SAFE.encode(&picture),
            lines.join("\r\n"),
            format!("data:image/jpeg;base64,{plain}"),
            format!(" DATA:image/jpeg;charset=x;BASE64,{plain} "),
        ] {
            assert_eq!(from_text(&text).unwrap(), picture);
        }
        for broken in ["not base64!", "data:image/jpeg;base64", "data:image/jpeg,%ff%d8", "äöü"] {
            assert_eq!(from_text(broken), Err(Reject::NotBase64), "{broken}");
        }
        assert_eq!(from_text(&STANDARD.encode("text")), Err(Reject::NotAJpeg));
        assert_eq!(from_text(&"A".repeat(MAX_BYTES / 3 * 4 + 1_000)), Err(Reject::PictureTooLarge));
    }
}
