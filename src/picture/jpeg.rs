//! The structure of a JPEG file (ITU-T T.81, annex B), as far as it can be read without decoding.
//!
//! In: bytes that may hold a picture, also while they are still coming. Out: where it ends, and what it is. Invariant: each byte is looked
//! at once, and what is not understood is never taken for harmless.

mod tables;

pub(crate) use tables::with_tables;

use memchr::{memchr, memmem};

/// Start of image, and the first byte of the marker that has to follow.
pub(crate) const BEGINNING: &[u8] = &[0xff, 0xd8, 0xff];

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// Walks through a picture whose bytes are still coming.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Where the picture begins: what stands before it is none.
    start: Option<usize>,
    /// Up to here all is understood.
    at: usize,
    in_scan: bool,
    /// A picture without a scan is none, and has no end.
    had_scan: bool,
}

/// What stands at a place between the scans.
enum Piece {
    Segment {
        marker: u8,
        length: usize,
    },
    /// Start of another picture, or its end.
    Edge(u8),
    Stray,
    /// The rest has not come yet.
    Unfinished,
}

impl Walk {
    /// Goes on through what has come since. The place of the first picture, when its end has come.
    pub(crate) fn whole(&mut self, bytes: &[u8]) -> Option<std::ops::Range<usize>> {
        loop {
            let start = match self.start {
                Some(start) => start,
                None => self.find_start(bytes)?,
            };
            if self.in_scan {
                self.leave_scan(bytes)?;
            }
            match piece(bytes.get(self.at..)?) {
                Piece::Segment { marker, length } => {
                    self.in_scan = marker == START_OF_SCAN;
                    self.had_scan |= self.in_scan;
                    self.at += length;
                }
                Piece::Edge(END) if self.had_scan => return Some(start..self.at + 2),
                // The picture broke off, and the next one begins here or later.
                Piece::Edge(_) => self.restart(),
                // Decoders pass over bytes that belong to nothing.
                Piece::Stray => self.at += 1,
                Piece::Unfinished => return None,
            }
        }
    }

    /// Whether a picture has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.start.is_some()
    }

    fn find_start(&mut self, bytes: &[u8]) -> Option<usize> {
        match memmem::find(bytes.get(self.at..)?, BEGINNING) {
            Some(found) => {
                let start = self.at + found;
                (self.start, self.at) = (Some(start), start + 2);
                Some(start)
            }
            None => {
                self.at = self.at.max(bytes.len().saturating_sub(2));
                None
            }
        }
    }

    fn restart(&mut self) {
        (self.start, self.in_scan, self.had_scan) = (None, false, false);
    }

    /// To the next marker that is none of the scan's own: in it, 0xff is followed by 0 or a restart number (annex B.1.1.5).
    fn leave_scan(&mut self, bytes: &[u8]) -> Option<()> {
        loop {
            let found = memchr(0xff, bytes.get(self.at..)?);
            self.at = found.map_or(bytes.len(), |found| self.at + found);
            match bytes.get(self.at + 1)? {
                0x00 | 0xd0..=0xd7 => self.at += 2,
                // Fill bytes.
                0xff => self.at += 1,
                _ => break,
            }
        }
        self.in_scan = false;
        Some(())
    }
}

/// What stands at the beginning of `rest`.
fn piece(rest: &[u8]) -> Piece {
    match *rest {
        // Any number of fill bytes may precede a marker.
        [0xff, 0xff, ..] => Piece::Segment { marker: 0xff, length: 1 },
        [0xff, edge @ (START | END), ..] => Piece::Edge(edge),
        [0xff, 0x00 | 0x01 | 0xd0..=0xd7, ..] => Piece::Stray,
        [0xff, marker, high, low, ..] => match usize::from(u16::from_be_bytes([high, low])) {
            // No segment is shorter than its length.
            0 | 1 => Piece::Stray,
            length if length + 2 <= rest.len() => Piece::Segment { marker, length: length + 2 },
            _ => Piece::Unfinished,
        },
        [] | [0xff] | [0xff, _] | [0xff, _, _] => Piece::Unfinished,
        _ => Piece::Stray,
    }
}

/// Whether the picture comes in several passes over all of it, or may: a decoder keeps all coefficients for that besides the pixels, two
/// bytes each. A structure that is not understood counts as that, because the decoder may understand it.
pub(super) fn may_be_progressive(file: &[u8]) -> bool {
    let mut at = 2;
    if !file.starts_with(BEGINNING) {
        return true;
    }
    loop {
        match piece(file.get(at..).unwrap_or_default()) {
            Piece::Segment { marker: START_OF_SCAN, .. } => return false,
            // Only what annex B names between the start and a scan: tables, frames, application data, comments, fill bytes.
            Piece::Segment { marker: 0xc0 | 0xc1 | 0xc4 | 0xcc | 0xdb..=0xdf | 0xe0..=0xef | 0xfe | 0xff, length } => {
                at += length;
            }
            _ => return true,
        }
    }
}

#[cfg(test)]
mod tests;
