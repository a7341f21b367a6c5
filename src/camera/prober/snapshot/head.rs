//! The head of an HTTP answer, read as leniently as browsers read it (RFC 9112 is what cameras miss).
//!
//! In: the bytes that have come. Out: status and header lines, and where the body begins. Invariant: never fails; what is no header line is
//! passed over.

use crate::picture::jpeg;

/// What the first bytes of an answer are.
#[derive(Debug, PartialEq)]
pub(super) enum Reading {
    /// It cannot be told yet.
    Unfinished,
    /// A head, and where the body begins.
    Head(Head, usize),
}

/// Status and header lines.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Head {
    /// `None`: the body came without any head (HTTP/0.9), or without a number.
    pub(super) status: Option<u16>,
    /// Whether it begins as HTTP does.
    pub(super) is_http: bool,
    /// Names in lower case.
    lines: Vec<(String, String)>,
}

impl Head {
    /// All values of the header with this name, given in lower case.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first of them, in lower case; empty when there is none.
    pub(super) fn word(&self, name: &str) -> String {
        self.all(name).next().unwrap_or_default().to_ascii_lowercase()
    }

    /// How long the body is said to be. Of several lengths the greatest counts: what does not come is not waited for long.
    pub(super) fn length(&self) -> Option<usize> {
        let digits = |text: &str| text.trim().chars().take_while(char::is_ascii_digit).collect::<String>();
        self.all("content-length").flat_map(|value| value.split(',')).filter_map(|one| digits(one).parse().ok()).max()
    }
}

/// Reads what has come; `is_all` says that no more will.
pub(super) fn read(bytes: &[u8], is_all: bool) -> Reading {
    let empty_lines = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let rest = &bytes[empty_lines..];
    if rest.len() < 4 && !is_all {
        return Reading::Unfinished;
    }
    // Shoutcast's status line, which some cameras took over, and HTTP's in any case.
    let begins = |word: &[u8]| rest.get(..word.len()).is_some_and(|first| first.eq_ignore_ascii_case(word));
    if !begins(b"HTTP") && !begins(b"ICY ") {
        return Reading::Head(Head::default(), empty_lines);
    }
    let mut head = Head { is_http: true, ..Head::default() };
    let mut at = empty_lines;
    let mut first = true;
    loop {
        let rest = &bytes[at..];
        // A camera that forgot the empty line.
        if rest.starts_with(jpeg::BEGINNING) {
            return Reading::Head(head, at);
        }
        let (line, length) = match memchr::memchr(b'\n', rest) {
            Some(end) => (&rest[..end], end + 1),
            None if is_all => (rest, rest.len()),
            None => return Reading::Unfinished,
        };
        at += length;
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
        if line.trim().is_empty() {
            return Reading::Head(head, at);
        }
        if first {
            head.status = status(&line);
            first = false;
        } else {
            head.take(&line);
        }
    }
}

impl Head {
    fn take(&mut self, line: &str) {
        // RFC 9112, section 5.2: such a line goes on with the one before.
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = self.lines.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            self.lines.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
}

/// The first number of three digits after the protocol.
fn status(line: &str) -> Option<u16> {
    let words = line.split([' ', '\t']).skip(1);
    words.filter(|word| word.len() == 3).find_map(|word| word.parse().ok()).filter(|status| *status >= 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &[u8]) -> (Head, usize) {
        match read(text, false) {
            Reading::Head(head, at) => (head, at),
            Reading::Unfinished => panic!("unfinished: {}", String::from_utf8_lossy(text)),
        }
    }

    #[test]
    fn every_head_that_a_browser_reads_is_read() {
        let jpeg = [0xff, 0xd8, 0xff, 0xe0];
        for (text, status, length) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"[..], Some(200), Some(5)),
            (b"HTTP/1.0 200\r\nContent-Length:5\r\n\r\n", Some(200), Some(5)),
            (b"HTTP/1.1 200 OK\nContent-Length: 5\n\n", Some(200), Some(5)),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\n\r\n", Some(200), Some(5)),
            (b"\r\nHTTP/1.1 200 OK\r\nCONTENT-LENGTH : 5\r\n\r\n", Some(200), Some(5)),
            (b"http/1.1  404  gone\r\n\r\n", Some(404), None),
            (b"ICY 200 OK\r\n\r\n", Some(200), None),
            (b"HTTP 200 OK\r\n\r\n", Some(200), None),
            (b"HTTP/1.1 OK\r\n\r\n", None, None),
            (b"HTTP/1.1 99 OK\r\n\r\n", None, None),
            (
                b"HTTP/1.1 200 OK\r\njunk without a colon\r\n: no name\r\nContent-Length: 5 bytes\r\n\r\n",
                Some(200),
                Some(5),
            ),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n", Some(200), Some(7)),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5, 7\r\n\r\n", Some(200), Some(7)),
            (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", Some(200), None),
            (b"HTTP/1.1 200 OK\r\nX-\xfc: \xff\r\nContent-Length: 5\r\n\r\n", Some(200), Some(5)),
        ] {
            let whole = [text, &jpeg].concat();
            let (head, at) = head(&whole);
            assert_eq!(
                (head.status, head.length(), at),
                (status, length, text.len()),
                "{}",
                String::from_utf8_lossy(text)
            );
            for cut in 0..text.len() - 1 {
                assert_eq!(
                    read(&text[..cut], false),
                    Reading::Unfinished,
                    "{cut} of {}",
                    String::from_utf8_lossy(text)
                );
            }
        }
    }

    #[test]
    fn a_picture_without_a_head_or_without_the_empty_line_is_the_body() {
        assert_eq!(head(b"\xff\xd8\xff\xe0"), (Head::default(), 0));
        assert_eq!(head(b"--b\r\nContent-Type: image/jpeg\r\n\r\n"), (Head::default(), 0));
        let (forgotten, at) = head(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\xff\xd8\xff\xe0");
        assert_eq!((forgotten.word("content-type").as_str(), at), ("image/jpeg", 43));
    }

    #[test]
    fn lines_that_go_on_are_joined_and_an_end_ends_the_last_one() {
        let (folded, _) = head(b"HTTP/1.1 401 X\r\nWWW-Authenticate: Digest realm=\"x\",\r\n nonce=\"y\"\r\nWWW-Authenticate: Basic\r\n\r\n");
        assert_eq!(folded.all("www-authenticate").collect::<Vec<_>>(), ["Digest realm=\"x\", nonce=\"y\"", "Basic"]);
        let Reading::Head(cut, 30) = read(b"HTTP/1.1 401 X\r\nWWW-Authentica", true) else {
            panic!("it is all there is")
        };
        assert_eq!(cut.status, Some(401));
        assert!(matches!(read(b"", true), Reading::Head(..)));
    }
}
