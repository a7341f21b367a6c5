//! The picture in what a camera sends: the first whole one, whatever wraps it.
//!
//! In: what has come so far. Out: where the picture is. Invariant: no byte is looked at twice, so that a body that comes in drops costs no more
//! than one that comes at once.

use std::io::Cursor;
use std::ops::Range;

use image::ImageReader;
use memchr::memmem;

use crate::picture::jpeg;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The last chunk's name and checksum.
const PNG_END: &[u8] = b"IEND\xae\x42\x60\x82";

/// Looks for a picture.
#[derive(Debug, Default)]
pub(super) struct Search {
    jpeg: jpeg::Walk,
    png: Option<usize>,
    /// Up to here no PNG begins, or the one that began does not end.
    png_at: usize,
}

/// A whole picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) codec: &'static str,
    pub(super) place: Range<usize>,
}

impl Search {
    /// Goes on with what has come since.
    pub(super) fn look(&mut self, bytes: &[u8]) -> Option<Found> {
        // First, because what is packed in a PNG may look like the beginning of a JPEG.
        if self.png.is_none() {
            self.png = next(bytes, &mut self.png_at, PNG);
        }
        match self.png {
            Some(start) => {
                let end = next(bytes, &mut self.png_at, PNG_END)? + PNG_END.len();
                Some(Found { codec: "png", place: start..end })
            }
            None => self.jpeg.whole(bytes).map(|place| Found { codec: "jpeg", place }),
        }
    }

    /// Whether a picture has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.jpeg.has_begun() || self.png.is_some()
    }
}

fn next(bytes: &[u8], at: &mut usize, what: &[u8]) -> Option<usize> {
    let found = memmem::find(bytes.get(*at..)?, what).map(|found| *at + found);
    *at = found.unwrap_or_else(|| (*at).max(bytes.len().saturating_sub(what.len() - 1)));
    found
}

/// Width and height, by the picture's header.
pub(super) fn size(picture: &[u8]) -> Option<(u32, u32)> {
    ImageReader::new(Cursor::new(picture)).with_guessed_format().ok()?.into_dimensions().ok()
}

#[cfg(test)]
mod tests {
    use image::ImageFormat;

    use super::*;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image::DynamicImage::new_rgb8(64, 48).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_whole_picture_is_found_with_its_last_byte_and_no_earlier() {
        for (format, codec) in [(ImageFormat::Jpeg, "jpeg"), (ImageFormat::Png, "png")] {
            let picture = encoded(format);
            for before in [&b""[..], b"--b\r\nContent-Type: x\r\n\r\n", b"\x89PNG \xff\xd8"] {
                let all = [before, &picture, b"\r\n--b--"].concat();
                let (mut search, end) = (Search::default(), before.len() + picture.len());
                for length in 0..end {
                    assert_eq!(search.look(&all[..length]), None, "{codec} {length}");
                }
                assert!(search.has_begun());
                assert_eq!(search.look(&all[..end]), Some(Found { codec, place: before.len()..end }));
                assert_eq!(Search::default().look(&all), Some(Found { codec, place: before.len()..end }));
                assert_eq!(size(&all[before.len()..end]), Some((64, 48)));
            }
        }
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        let mut search = Search::default();
        assert_eq!(search.look(b"<html>please log in</html>"), None);
        assert!(!search.has_begun());
        assert_eq!(size(b"\xff\xd8\xff\xd9"), None);
    }
}
