//! The structure of a JPEG file (ITU-T T.81, annex B), as far as it can be read without decoding.

use memchr::memmem;

const START_OF_SCAN: u8 = 0xda;
const END: &[u8] = &[0xff, 0xd9];

/// Whether the picture goes on to its end. What follows the end is tolerated: cameras append data of their own.
pub(crate) fn is_whole(file: &[u8]) -> bool {
    // Not anywhere: a small preview in the header has an end, too.
    let scan = segments(file).find(|(marker, _)| *marker == START_OF_SCAN);
    scan.is_some_and(|(_, rest)| memmem::find(rest, END).is_some())
}

/// Whether the picture comes in several passes over all of it. A decoder keeps all coefficients for that besides the pixels, two bytes
/// each.
pub(super) fn is_progressive(file: &[u8]) -> bool {
    segments(file).any(|(marker, _)| matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce))
}

/// The marker of each segment up to the first scan, and the file from there on.
fn segments(file: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut next = file.strip_prefix(&[0xff, 0xd8]);
    std::iter::from_fn(move || {
        let mut rest = next?;
        // Any number of fill bytes may precede a marker.
        while rest.starts_with(&[0xff, 0xff]) {
            rest = &rest[1..];
        }
        let [0xff, marker, high, low, ..] = *rest else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        next = if marker == START_OF_SCAN { None } else { rest.get(2 + length.max(2)..) };
        Some((marker, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg() -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::DynamicImage::new_rgb8(64, 48).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_picture_is_whole_with_its_end_and_whatever_follows() {
        let whole = jpeg();
        for length in 0..whole.len() {
            assert!(!is_whole(&whole[..length]), "{length} of {}", whole.len());
        }
        assert!(is_whole(&whole));
        assert!(is_whole(&[&whole[..], b"\0\0\r\n metadata of a camera"].concat()));
    }

    #[test]
    fn the_end_of_a_preview_in_the_header_is_not_the_pictures_end() {
        let (whole, preview) = (jpeg(), jpeg());
        let length = u16::try_from(preview.len() + 2).unwrap().to_be_bytes();
        let with_preview = [&[0xff, 0xd8, 0xff, 0xff, 0xe1], &length[..], &preview, &whole[2..]].concat();
        assert!(is_whole(&with_preview));
        assert!(!is_whole(&with_preview[..with_preview.len() - 1]));
    }

    #[test]
    fn passes_are_told_by_the_frames_marker() {
        let mut picture = jpeg();
        assert!(!is_progressive(&picture));
        let frame = picture.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
        picture[frame + 1] = 0xc2;
        assert!(is_progressive(&picture));
    }

    #[test]
    fn garbage_has_no_segments() {
        for garbage in [&b""[..], b"\xff\xd8", b"\xff\xd8\xff\xff\xff\xff", b"\xff\xd8\xff\xe0\xff\xff", b"\x89PNG"] {
            assert!(!is_progressive(garbage) && !is_whole(garbage), "{garbage:?}");
        }
        assert!(
            segments(&[0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xe0, 0, 0]).count() < 3,
            "no segment is shorter than its length"
        );
    }
}
