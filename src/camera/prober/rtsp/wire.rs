//! What comes next on the connection to a camera: a packet, a message, or something to pass over.
//!
//! In: the bytes that have come and were not taken yet. Out: what they begin with. Invariant: pure; from any bytes it finds the way to
//! the next packet or message.

use std::ops::Range;

use super::head::{self, Head, Lines};

/// What the bytes begin with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An interleaved packet (RFC 2326, section 10.12) on this channel: where it is. Its end is the end of what is taken.
    Packet(u8, Range<usize>),
    /// The head of a message, and its length in bytes.
    Message(Head, usize),
    /// So many bytes that mean nothing.
    Junk(usize),
    /// Too little to tell.
    More,
}

/// The bytes before an interleaved packet: `$`, the channel, and its length.
const FRAME: usize = 4;

/// What these bytes begin with.
pub(super) fn next(bytes: &[u8]) -> Next {
    match bytes.first() {
        None => Next::More,
        Some(b'$') if bytes.len() < FRAME => Next::More,
        Some(b'$') => {
            let end = FRAME + usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
            if bytes.len() < end { Next::More } else { Next::Packet(bytes[1], FRAME..end) }
        }
        Some(b'\r' | b'\n' | b' ' | b'\t' | 0) => Next::Junk(1),
        Some(_) => message(bytes),
    }
}

fn message(bytes: &[u8]) -> Next {
    let mut lines = Lines { bytes, at: 0 };
    let line = lines.next();
    if line.and_then(head::start).is_some() {
        return head::read(bytes).map_or(Next::More, |(head, taken)| Next::Message(head, taken));
    }
    // Somebody who lost count among the packets finds the next one.
    if let Some(at) = packet(&bytes[..line.map_or(bytes.len(), |_| lines.at)]) {
        return Next::Junk(at);
    }
    line.map_or(Next::More, |_| Next::Junk(lines.at))
}

/// Where a packet of one of the first channels seems to begin: RTP and RTCP both begin with their version, 2.
fn packet(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'$', bytes).find(|at| {
        bytes.get(at + 1).is_some_and(|channel| *channel < 8)
            && bytes.get(at + FRAME).is_some_and(|byte| byte >> 6 == 2)
    })
}

/// How long the body of a session description is, of what has come behind its head: cameras count wrongly in both directions.
///
/// It ends where the next message or packet begins, or where the camera says if nothing but space follows there.
pub(super) fn description_end(bytes: &[u8], stated: Option<usize>) -> usize {
    let mut lines = Lines { bytes, at: 0 };
    let mut natural = bytes.len();
    loop {
        let begin = lines.at;
        if bytes.get(begin) == Some(&b'$') {
            natural = begin;
            break;
        }
        match lines.next() {
            Some(line) if head::start(line).is_some() => {
                natural = begin;
                break;
            }
            Some(_) => {}
            None => break,
        }
    }
    match stated {
        Some(stated) if stated < natural && bytes[stated..natural].iter().all(u8::is_ascii_whitespace) => stated,
        _ => natural,
    }
}

/// Whether a session description seems to have come whole: it has a video, and its last line is complete.
pub(super) fn seems_whole(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"m=video").is_some() && bytes.last().is_some_and(|last| matches!(last, b'\r' | b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_messages_and_junk_are_told_apart() {
        for (bytes, expected) in [
            (&b""[..], Next::More),
            (b"$\0\0", Next::More),
            (b"$\0\0\x03ab", Next::More),
            (b"$\x02\0\x03abcd", Next::Packet(2, 4..7)),
            (b"\r\nRTSP", Next::Junk(1)),
            (b"RTSP/1.0 200 OK\r\n", Next::More),
            (b"what is this\r\nRTSP/1.0 200 OK\r\n\r\n", Next::Junk(14)),
            (b"SSH-2.0", Next::More),
            (b"\xaa\xbb$\0\0\x01\x80", Next::Junk(2)),
        ] {
            assert_eq!(next(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
        assert!(matches!(next(b"RTSP/1.0 200 OK\n\n$"), Next::Message(_, 17)));
        assert!(matches!(next(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"), Next::Message(_, 31)));
    }

    #[test]
    fn a_description_ends_where_something_else_begins() {
        let sdp = "m=video 0 RTP/AVP 96\r\na=control:t\r\n";
        let length = sdp.len();
        for (follows, stated, expected) in [
            ("", Some(length), length),
            ("", Some(length - 9), length),
            ("", Some(length + 48), length),
            ("", None, length),
            ("\r\n", Some(length), length),
            ("RTSP/1.0 200 OK\r\n\r\n", Some(length), length),
            ("RTSP/1.0 200 OK\r\n\r\n", Some(length + 5), length),
            ("RTSP/1.0 200 OK\r\n\r\n", Some(3), length),
            ("OPTIONS * RTSP/1.0\r\n\r\n", None, length),
            ("$\0\0\x01\u{1}", None, length),
        ] {
            let bytes = format!("{sdp}{follows}");
            assert_eq!(description_end(bytes.as_bytes(), stated), expected, "{follows:?} {stated:?}");
        }
    }
}
