//! The head of an RTSP message, read as leniently as players read it.
//!
//! In: the bytes that have come. Out: the head and where it ends, or nothing while it has no end yet. Invariant: never fails; what is no
//! header line is passed over, and remembered as repaired.

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// An answer to a request of ours.
    Answer(u16),
    /// Somebody who speaks HTTP answers.
    Http,
    /// The camera asks us something (RFC 2326, section 10: both sides may).
    Request,
}

/// The lines of a message before its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) start: Start,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    /// Whether it was not written as RFC 2326 wants it.
    pub(super) repaired: bool,
}

impl Head {
    /// The first header of this name, given in lower case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All headers of this name, given in lower case.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// How long the body is said to be. Of several lengths the greatest counts: what does not come is not waited for long.
    pub(super) fn length(&self) -> Option<usize> {
        let all = self.all("content-length").chain(self.all("content-lenght"));
        all.flat_map(|value| value.split(',')).filter_map(leading_number).max()
    }
}

/// Reads a head that begins with the first byte. `None`: its end has not come yet, or this is no head.
pub(super) fn read(bytes: &[u8]) -> Option<(Head, usize)> {
    let mut lines = Lines { bytes, at: 0 };
    let start = start(lines.next()?)?;
    let mut repaired = false;
    let mut headers: Vec<(String, String)> = Vec::new();
    loop {
        let end = lines.at;
        let line = lines.next()?;
        // Some leave the empty line out.
        if line == b"v=0" {
            return Some((Head { start, headers, repaired: true }, end));
        }
        if line.is_empty() {
            repaired |= !bytes[..lines.at].ends_with(b"\r\n");
            return Some((Head { start, headers, repaired }, lines.at));
        }
        let text = String::from_utf8_lossy(line);
        match text.split_once(':') {
            // RFC 2616, section 2.2: a line that begins with a space goes on with the one before.
            _ if text.starts_with([' ', '\t']) => {
                repaired = true;
                if let Some((_, value)) = headers.last_mut() {
                    value.push(' ');
                    value.push_str(text.trim());
                }
            }
            Some((name, value)) => headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned())),
            None => repaired = true,
        }
    }
}

/// Whether a message can begin with this line, and as what.
pub(super) fn start(line: &[u8]) -> Option<Start> {
    let text = String::from_utf8_lossy(line);
    let mut words = text.split_whitespace();
    let first = words.next()?.to_ascii_uppercase();
    if first.starts_with("HTTP/") {
        return Some(Start::Http);
    }
    if first.starts_with("RTSP/") {
        let status = words.next().and_then(leading_number)?;
        return u16::try_from(status).ok().map(Start::Answer);
    }
    let is_method = first.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let last = words.next_back()?.to_ascii_uppercase();
    (is_method && last.starts_with("RTSP/")).then_some(Start::Request)
}

/// The digits that a text begins with.
pub(super) fn leading_number(text: &str) -> Option<usize> {
    let text = text.trim_start();
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..end].parse().ok()
}

/// Lines that end with LF, CR LF, CR CR LF or CR alone, as cameras write them.
pub(super) struct Lines<'a> {
    pub(super) bytes: &'a [u8],
    /// Where the next line begins.
    pub(super) at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    /// The next line that is complete.
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let end = memchr::memchr2(b'\r', b'\n', rest)?;
        let returns = rest[end..].iter().take_while(|byte| **byte == b'\r').count();
        let taken = match rest.get(end + returns) {
            Some(b'\n') => end + returns + 1,
            Some(_) => end + 1,
            // An LF may follow. The empty line ends the head in any case: whoever reads on passes over an LF that comes late.
            None if end == 0 => returns,
            // An empty line of somebody who writes CR alone.
            None if returns > 1 && !self.bytes[..self.at].contains(&b'\n') => end + 1,
            None => return None,
        };
        self.at += taken;
        Some(&rest[..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_whatever_their_lines_end_with() {
        for end in ["\r\n", "\n", "\r\r\n", "\r"] {
            let text = format!("RTSP/1.0 200 OK{end}CSeq : 3{end}junk{end}Session: 47{end}  11{end}{end}v=0");
            let (head, taken) = read(text.as_bytes()).unwrap_or_else(|| panic!("{end:?}"));
            assert_eq!(
                (&head.start, head.get("cseq"), head.get("session")),
                (&Start::Answer(200), Some("3"), Some("47 11"))
            );
            assert_eq!(&text[taken..], "v=0", "{end:?}");
            assert!(head.repaired);
            let (alone, taken) = read(&text.as_bytes()[..text.len() - 3]).unwrap_or_else(|| panic!("{end:?} alone"));
            assert_eq!((alone, taken), (head, text.len() - 3), "{end:?}");
        }
    }

    #[test]
    fn a_description_ends_a_head_that_has_no_empty_line() {
        let (head, taken) = read(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nv=0\r\no=").unwrap();
        assert_eq!((taken, head.repaired, head.get("cseq")), (26, true, Some("1")));
    }

    #[test]
    fn a_head_without_its_end_is_waited_for() {
        let whole = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n";
        for length in 0..whole.len() - 2 {
            assert_eq!(read(&whole[..length]), None, "{length}");
        }
        let (head, taken) = read(whole).unwrap();
        assert_eq!((taken, head.repaired), (whole.len(), false));
    }

    #[test]
    fn every_start_line_is_told_from_junk() {
        for (line, expected) in [
            ("RTSP/1.0 200 OK", Some(Start::Answer(200))),
            ("rtsp/1.0  401Unauthorized", Some(Start::Answer(401))),
            ("RTSP/2.0 454", Some(Start::Answer(454))),
            ("HTTP/1.1 400 Bad Request", Some(Start::Http)),
            ("OPTIONS * RTSP/1.0", Some(Start::Request)),
            ("SET_PARAMETER rtsp://x/y RTSP/1.0", Some(Start::Request)),
            ("SSH-2.0-OpenSSH_9.2", None),
            ("RTSP/1.0", None),
            ("RTSP/1.0 OK 200", None),
            ("v=0", None),
            ("", None),
        ] {
            assert_eq!(start(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn of_several_lengths_the_greatest_counts() {
        for (lines, expected) in [
            ("", None),
            ("Content-Length: 5\n", Some(5)),
            ("Content-length:5 bytes\n", Some(5)),
            ("Content-Length: 5\nContent-Length: 7\n", Some(7)),
            ("Content-Length: 5, 5\n", Some(5)),
            ("Content-Length: -1\n", None),
            ("Content-Length: 99999999999999999999999\n", None),
        ] {
            let (head, _) = read(format!("RTSP/1.0 200 OK\n{lines}\n").as_bytes()).unwrap();
            assert_eq!(head.length(), expected, "{lines:?}");
        }
    }
}
