//! One request on one connection, and its answer as far as it is needed.
//!
//! In: where to ask, and what. Out: the head, and the body up to the first whole picture in it. Invariant: it ends by the deadline, and holds
//! no more than [`MAX_HEAD`] and [`super::body::MOST`] bytes, whatever the camera sends.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use url::{Position, Url};

use super::body::Body;
use super::found::{Found, Search};
use super::head::{self, Head, Reading};
use crate::camera::prober::place::Place;
use crate::camera::prober::tls;
use crate::camera::{Failure, Reason};

/// Status and header lines together.
const MAX_HEAD: usize = 64 * 1_024;
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a camera whose length was too small is listened to beyond it.
const GRACE: Duration = Duration::from_millis(700);

/// What came.
pub(super) struct Answer {
    pub(super) head: Head,
    pub(super) body: Body,
    pub(super) found: Option<Found>,
    /// A picture has begun.
    pub(super) has_begun: bool,
    pub(super) ending: Ending,
}

/// Why no more was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// All came that was announced, or what was looked for.
    Said,
    /// The camera closed the connection, before all came that was announced or with no word about that.
    Closed,
    OutOfTime,
    TooMuch,
}

/// A plain or an encrypted connection.
trait Line: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Line for T {}

/// Asks for the URL.
pub(super) async fn ask(
    tls: &TlsConnector,
    place: &Place,
    url: &Url,
    proof: Option<&str>,
    deadline: Instant,
) -> Result<Answer, Failure> {
    let connected_by = deadline.min(Instant::now() + CONNECT_LIMIT);
    let mut line: Box<dyn Line> = if url.scheme() == "https" {
        Box::new(tls::handshake(tls, place, "https", deadline).await?)
    } else {
        Box::new(place.connect(connected_by.saturating_duration_since(Instant::now())).await?)
    };
    let request = request(url, proof);
    // A camera that closes its side at once has perhaps answered before.
    let _read_on = timeout_at(deadline, line.write_all(request.as_bytes())).await;
    let mut reader = Reader { line, waiting: Vec::new(), deadline };
    let head = loop {
        let (head, begun) = reader.head(place).await?;
        // RFC 9110, section 15.2: such an answer only announces another.
        if !head.status.is_some_and(|status| (100..200).contains(&status)) {
            break (head, begun);
        }
    };
    Ok(reader.answer(head.0, head.1).await)
}

/// With the header names in the case that the RFCs write them: some cameras look for that. The connection is not kept: small cameras serve
/// few.
fn request(url: &Url, proof: Option<&str>) -> String {
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let proof = proof.map(|proof| format!("Authorization: {proof}\r\n")).unwrap_or_default();
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Camera Herald/{}\r\nAccept: image/jpeg, image/png, */*\r\n\
         Accept-Encoding: identity\r\n{proof}Connection: close\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    )
}

struct Reader {
    line: Box<dyn Line>,
    /// What has come and is not taken yet.
    waiting: Vec<u8>,
    deadline: Instant,
}

impl Reader {
    /// The next bytes; `None` when the connection is at its end, in whatever way: what has come is what counts.
    async fn more(&mut self, by: Instant) -> Result<Option<usize>, tokio::time::error::Elapsed> {
        self.waiting.reserve(16 * 1_024);
        Ok(timeout_at(by, self.line.read_buf(&mut self.waiting)).await?.ok().filter(|count| *count > 0))
    }

    /// The head; `false` when the connection is at its end with it.
    async fn head(&mut self, place: &Place) -> Result<(Head, bool), Failure> {
        let mut is_open = true;
        loop {
            if let Reading::Head(head, at) = head::read(&self.waiting, !is_open) {
                self.waiting.drain(..at);
                return Ok((head, is_open));
            }
            if self.waiting.len() > MAX_HEAD {
                let detail = format!("{place} sends header lines without end: check the port, restart the camera");
                return Err(Failure::new(Reason::Protocol, detail));
            }
            match self.more(self.deadline).await {
                Ok(came) => is_open = came.is_some(),
                Err(_elapsed) => {
                    return Err(Failure::new(Reason::Timeout, format!("{place} {}", super::verdict::SILENT)));
                }
            }
        }
    }

    /// The body, up to the first whole picture.
    async fn answer(mut self, head: Head, mut is_open: bool) -> Answer {
        let is_chunked = head.all("transfer-encoding").any(|value| value.to_ascii_lowercase().contains("chunked"));
        let length = head.length().filter(|_| !is_chunked);
        let mut body = Body::new(is_chunked);
        let mut search = Search::default();
        // What is said by an answer that says no is not a picture's business.
        let is_wanted = head.status.is_none_or(|status| (200..300).contains(&status));
        let mut by = self.deadline;
        let mut found;
        let ending = loop {
            let fits = body.push(&self.waiting);
            self.waiting.clear();
            found = search.look(body.carried());
            if found.is_some() || !is_wanted {
                break Ending::Said;
            }
            if !fits {
                break Ending::TooMuch;
            }
            let is_all = body.is_over() || length.is_some_and(|length| body.came >= length);
            if is_all && !search.has_begun() {
                break Ending::Said;
            }
            if !is_open {
                break if is_all { Ending::Said } else { Ending::Closed };
            }
            if is_all {
                by = by.min(Instant::now() + GRACE);
            }
            match self.more(by).await {
                Ok(came) => is_open = came.is_some(),
                Err(_elapsed) if is_all => break Ending::Said,
                Err(_elapsed) => break Ending::OutOfTime,
            }
        };
        if found.is_none() && is_wanted {
            body.uncompress(&head.word("content-encoding"));
            search = Search::default();
            found = search.look(body.carried());
        }
        Answer { has_begun: search.has_begun(), head, body, found, ending }
    }
}
