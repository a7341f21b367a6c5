//! The body of an answer, out of its chunks (RFC 9112, section 7.1) as far as it really has some.
//!
//! In: the bytes after the head, as they come. Out: what they carry. Invariant: it holds at most [`MOST`] bytes, and what does not keep to
//! the form of chunks is taken as it is.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use memchr::memchr;

/// The largest JPEG that a 4K camera makes is about half of this.
pub(super) const MOST: usize = 8 * 1_024 * 1_024;
/// The line with the size of a chunk, with its extensions.
const MAX_SIZE_LINE: usize = 256;

/// A body on its way.
#[derive(Debug)]
pub(super) struct Body {
    form: Form,
    /// What has come, and cannot be told apart yet.
    waiting: Vec<u8>,
    carried: Vec<u8>,
    /// Bytes that came, with what wraps them.
    pub(super) came: usize,
}

#[derive(Debug, PartialEq)]
enum Form {
    Plain,
    /// The line with a chunk's size comes next.
    Size,
    Chunk {
        left: usize,
    },
    /// The line end after a chunk.
    AfterChunk,
    Over,
}

impl Body {
    pub(super) fn new(is_chunked: bool) -> Self {
        let form = if is_chunked { Form::Size } else { Form::Plain };
        Self { form, waiting: Vec::new(), carried: Vec::new(), came: 0 }
    }

    /// What it carries.
    pub(super) fn carried(&self) -> &[u8] {
        &self.carried
    }

    /// Whether its last chunk has come.
    pub(super) fn is_over(&self) -> bool {
        self.form == Form::Over
    }

    /// Takes what has come. `false`: it carries too much.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        self.came = self.came.saturating_add(bytes.len());
        if self.form == Form::Plain {
            return self.carry(bytes);
        }
        let mut all = std::mem::take(&mut self.waiting);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        let mut fits = true;
        while fits && !rest.is_empty() {
            match self.form {
                Form::Plain => {
                    fits = self.carry(rest);
                    rest = &[];
                }
                Form::Over => rest = &[],
                Form::Chunk { left } => {
                    let (now, later) = rest.split_at(left.min(rest.len()));
                    fits = self.carry(now);
                    rest = later;
                    self.form =
                        if now.len() == left { Form::AfterChunk } else { Form::Chunk { left: left - now.len() } };
                }
                Form::AfterChunk => match rest {
                    [b'\r'] => break,
                    [b'\r', b'\n', after @ ..] | [b'\n', after @ ..] => (self.form, rest) = (Form::Size, after),
                    // The size was wrong.
                    _ => self.form = Form::Plain,
                },
                Form::Size => match memchr(b'\n', &rest[..rest.len().min(MAX_SIZE_LINE)]) {
                    Some(end) => match size(&rest[..end]) {
                        Some(0) => self.form = Form::Over,
                        Some(left) => (self.form, rest) = (Form::Chunk { left }, &rest[end + 1..]),
                        None => self.form = Form::Plain,
                    },
                    None if rest.len() < MAX_SIZE_LINE => break,
                    None => self.form = Form::Plain,
                },
            }
        }
        self.waiting = rest.to_vec();
        fits
    }

    fn carry(&mut self, bytes: &[u8]) -> bool {
        if self.carried.len() + bytes.len() > MOST {
            return false;
        }
        self.carried.extend_from_slice(bytes);
        true
    }

    /// Takes the compression away, now that all has come: the bytes as they are when there is none.
    pub(super) fn uncompress(&mut self, encoding: &str) {
        let packed = std::mem::take(&mut self.carried);
        let unpacked = if packed.starts_with(&[0x1f, 0x8b]) {
            read_bounded(MultiGzDecoder::new(packed.as_slice()))
        } else if encoding.contains("deflate") {
            // What "deflate" means was understood in two ways (RFC 9110, section 8.4.1.2).
            let wrapped = read_bounded(ZlibDecoder::new(packed.as_slice()));
            if wrapped.is_empty() { read_bounded(DeflateDecoder::new(packed.as_slice())) } else { wrapped }
        } else {
            Vec::new()
        };
        self.carried = if unpacked.is_empty() { packed } else { unpacked };
    }
}

/// As much as there is and may be; a fault at the end does not spoil what came before.
fn read_bounded(from: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _what_came_counts = from.take(MOST as u64).read_to_end(&mut bytes);
    bytes
}

/// The size of a chunk, without its extensions.
fn size(line: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(line).ok()?.trim();
    let digits = text.split([';', ' ', '\t']).next()?;
    usize::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// What is carried when it comes in pieces of so many bytes.
    fn carried(bytes: &[u8], piece: usize) -> (String, bool) {
        let mut body = Body::new(true);
        for piece in bytes.chunks(piece) {
            assert!(body.push(piece));
        }
        (String::from_utf8_lossy(body.carried()).into_owned(), body.is_over())
    }

    #[test]
    fn chunks_are_unwrapped_as_far_as_they_are_chunks() {
        for (bytes, expected, is_over) in [
            (&b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"[..], "abcdefg", true),
            (b"003\nabc\n4 \ndefg\n0\n\n", "abcdefg", true),
            (b"3\r\nabc\r\n", "abc", false),
            (b"30\r\nabc", "abc", false),
            (b"3\r\nabcdef", "abcdef", false),
            (b"3\r\nabc\r\nxyz\r\ndef", "abcxyz\r\ndef", false),
            (b"\xff\xd8 no chunk\n", "\u{fffd}\u{fffd} no chunk\n", false),
            (b"+3\r\nabc", "+3\r\nabc", false),
        ] {
            for piece in [1, 2, 3, 100] {
                assert_eq!(
                    carried(bytes, piece),
                    (expected.to_owned(), is_over),
                    "{piece}: {}",
                    String::from_utf8_lossy(bytes)
                );
            }
        }
        assert!(carried(&[b'1'; 300], 7).0.starts_with("111"), "a size without end is none");
    }

    #[test]
    fn a_body_is_bounded_in_every_form() {
        for is_chunked in [false, true] {
            let mut body = Body::new(is_chunked);
            body.push(b"ffffffff\r\n");
            let piece = vec![b'x'; 1_024 * 1_024];
            let pieces = (0..20).take_while(|_| body.push(&piece)).count();
            assert!((7..=8).contains(&pieces) && body.carried().len() <= MOST, "{pieces}");
        }
    }

    #[test]
    fn compression_is_taken_away_and_a_bomb_stays_small() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&vec![7; 3 * MOST]).unwrap();
        let bomb = packer.finish().unwrap();
        let unpacked = |bytes: &[u8], encoding: &str| {
            let mut body = Body::new(false);
            assert!(body.push(bytes));
            body.uncompress(encoding);
            body.carried().to_vec()
        };
        assert_eq!(unpacked(&bomb, "gzip").len(), MOST);
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(b"picture").unwrap();
        assert_eq!(unpacked(&zlib.finish().unwrap(), "deflate"), b"picture");
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        raw.write_all(b"picture").unwrap();
        assert_eq!(unpacked(&raw.finish().unwrap(), "deflate"), b"picture");
        assert_eq!(unpacked(b"as it is", "gzip"), b"as it is");
        assert_eq!(unpacked(b"\x1f\x8b and nothing", "gzip"), b"\x1f\x8b and nothing");
    }
}
