//! Addresses that people typed into a camera, which sends them as they are: with spaces, letters of their language, and signs that no
//! address may hold. hyper refuses such a request without a word.
//!
//! In: a connection. Out: the same bytes, but for the first request's line, whose address is written as RFC 3986 wants it. Invariant: it holds
//! back at most [`MAX_LINE`] bytes, and what it does not understand goes on as it came.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longer than any address that a camera has room for.
const MAX_LINE: usize = 8 * 1_024;

/// A connection whose first line is mended. Cameras send one request on each.
pub(super) struct Typed<S> {
    stream: S,
    held: Held,
}

enum Held {
    /// The line, as far as it has come.
    Coming(Vec<u8>),
    /// The line and what came with it, and how much of that was passed on.
    Going(Vec<u8>, usize),
    /// All else goes through.
    Nothing,
}

impl<S> Typed<S> {
    /// `is_mended`: otherwise all goes through as it is.
    pub(super) fn new(stream: S, is_mended: bool) -> Self {
        Self { stream, held: if is_mended { Held::Coming(Vec::new()) } else { Held::Nothing } }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Typed<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match &mut this.held {
                Held::Nothing => return Pin::new(&mut this.stream).poll_read(context, buf),
                Held::Going(bytes, at) => {
                    let now = buf.remaining().min(bytes.len() - *at);
                    buf.put_slice(&bytes[*at..*at + now]);
                    *at += now;
                    if *at == bytes.len() {
                        this.held = Held::Nothing;
                    }
                    return Poll::Ready(Ok(()));
                }
                Held::Coming(line) => {
                    let mut piece = [0; 1_024];
                    let mut piece = ReadBuf::new(&mut piece);
                    ready!(Pin::new(&mut this.stream).poll_read(context, &mut piece))?;
                    line.extend_from_slice(piece.filled());
                    let is_all = piece.filled().is_empty() || line.len() > MAX_LINE;
                    if is_all || line.trim_ascii_start().contains(&b'\n') {
                        let line = std::mem::take(line);
                        // An empty answer would be the connection's end to hyper, and here it is one.
                        this.held = if line.is_empty() { Held::Nothing } else { Held::Going(mended(line), 0) };
                        if piece.filled().is_empty() && matches!(this.held, Held::Nothing) {
                            return Poll::Ready(Ok(()));
                        }
                    }
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Typed<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The bytes with a right address in the first line.
fn mended(bytes: Vec<u8>) -> Vec<u8> {
    let start = bytes.len() - bytes.trim_ascii_start().len();
    let Some(end) = memchr::memchr(b'\n', &bytes[start..]).map(|end| start + end) else { return bytes };
    match request_line(&bytes[start..end]) {
        Some(line) => [line.as_bytes(), &bytes[end..]].concat(),
        None => bytes,
    }
}

/// The line with a right address, when it needs one.
fn request_line(line: &[u8]) -> Option<String> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let space = memchr::memchr(b' ', line)?;
    let (method, rest) = (std::str::from_utf8(&line[..space]).ok()?, line[space..].trim_ascii());
    let version = rest.len().checked_sub(9)?;
    let (address, version) = (rest[..version].trim_ascii(), std::str::from_utf8(rest[version..].trim_ascii()).ok()?);
    let is_method = !method.is_empty() && method.bytes().all(|b| b.is_ascii_alphabetic());
    let is_right = address.iter().all(|b| may_stand(*b)) && line.len() == method.len() + 1 + address.len() + 9;
    if is_right || !is_method || !version.starts_with("HTTP/") || address.is_empty() {
        return None;
    }
    // Latin-1 where it is no UTF-8: that is what old cameras write.
    let text =
        std::str::from_utf8(address).map_or_else(|_| address.iter().map(|b| char::from(*b)).collect(), str::to_owned);
    let mut line = format!("{method} ");
    for byte in text.bytes() {
        if may_stand(byte) {
            line.push(char::from(byte));
        } else {
            line.push_str(&format!("%{byte:02X}"));
        }
    }
    line.push_str(&format!(" {version}\r"));
    Some(line)
}

/// Signs of an address (RFC 3986, section 2), and `%`, which begins the escapes that are there already.
fn may_stand(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    async fn through(pieces: &[&[u8]]) -> Vec<u8> {
        let (ours, mut theirs) = duplex(64 * 1_024);
        for piece in pieces {
            theirs.write_all(piece).await.unwrap();
        }
        theirs.shutdown().await.unwrap();
        let mut read = Vec::new();
        Typed::new(ours, true).read_to_end(&mut read).await.unwrap();
        read
    }

    #[tokio::test]
    async fn an_address_is_written_as_it_must_be_and_all_else_stays() {
        for (sent, expected) in [
            (
                &b"GET /a?d=at the door HTTP/1.1\r\nA: b c\r\n\r\n"[..],
                "GET /a?d=at%20the%20door HTTP/1.1\r\nA: b c\r\n\r\n",
            ),
            (b"GET /a?d=Haust\xfcr HTTP/1.0\r\n\r\n", "GET /a?d=Haust%C3%BCr HTTP/1.0\r\n\r\n"),
            ("GET /a?d=Haustür HTTP/1.1\n\n".as_bytes(), "GET /a?d=Haust%C3%BCr HTTP/1.1\r\n\n"),
            (b"GET  /a?d=\"<x>\"  HTTP/1.1\r\n\r\n", "GET /a?d=%22%3Cx%3E%22 HTTP/1.1\r\n\r\n"),
            (b"GET /a#b{c}|d\\e HTTP/1.1\r\n\r\n", "GET /a%23b%7Bc%7D%7Cd%5Ce HTTP/1.1\r\n\r\n"),
            (b"GET /a?d=\ttab HTTP/1.1\r\n\r\n", "GET /a?d=%09tab HTTP/1.1\r\n\r\n"),
            (b"\r\nGET /a b HTTP/1.1\r\n\r\n", "GET /a%20b HTTP/1.1\r\n\r\n"),
            (b"GET /a?d=%20x HTTP/1.1\r\n\r\n", "GET /a?d=%20x HTTP/1.1\r\n\r\n"),
            (b"POST /a HTTP/1.1\r\n\r\n\x00\xff body", "POST /a HTTP/1.1\r\n\r\n\0\u{fffd} body"),
            (b"GET /a b\r\n\r\n", "GET /a b\r\n\r\n"),
            (b"no request", "no request"),
            (b"", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&through(&[sent]).await), expected);
            let bytes: Vec<&[u8]> = sent.chunks(1).collect();
            assert_eq!(String::from_utf8_lossy(&through(&bytes).await), expected, "byte by byte");
        }
    }

    #[tokio::test]
    async fn a_line_without_end_is_not_held_for_ever() {
        let long = vec![b'x'; 3 * MAX_LINE];
        assert_eq!(through(&[&long]).await, long);
    }
}
