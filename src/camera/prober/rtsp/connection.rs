//! The connection to a camera: requests of ours, answers of its, and its packets between them.
//!
//! In: requests. Out: answers, and the packets that came meanwhile. Invariant: nothing waits beyond the deadline, and before the stream
//! plays no more than [`MOST_BEFORE_PLAY`] bytes are taken, whatever the camera says of lengths.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::head::{Head, Start};
use super::wire::{self, Next};

/// All that a camera may say until it plays. The longest description that was met has some 4 KiB.
const MOST_BEFORE_PLAY: usize = 1024 * 1024;
/// So long a body may pause that is shorter than its length says.
const PAUSE: Duration = Duration::from_millis(700);
/// So long a body is waited for that has no length.
const UNSTATED: Duration = Duration::from_secs(2);
/// The room for one reading.
const READING: usize = 64 * 1024;
/// The longest body of a message that nobody needs.
const MOST_UNUSED: usize = 64 * 1024;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Silence {
    /// Nothing more came in time.
    Late,
    /// The camera closed the connection; whether it had said anything before.
    Closed(bool),
    /// Too much came.
    TooMuch,
    /// It speaks HTTP.
    Http,
}

/// An answer of the camera.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: Head,
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// A TCP connection, or TLS over one.
pub(super) trait Link: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Link for T {}

/// One connection to a camera.
pub(super) struct Connection {
    link: Box<dyn Link>,
    /// Where the camera is, and where we are for it.
    pub(super) peer: SocketAddr,
    pub(super) own: SocketAddr,
    /// What came and was not taken yet.
    pub(super) inbox: BytesMut,
    /// Bytes that came altogether.
    came: usize,
    sequence: u32,
    pub(super) deadline: Instant,
    /// What had to be repaired.
    pub(super) repairs: BTreeSet<&'static str>,
}

impl Connection {
    /// Takes over a connection that is open. `peer` and `own` are the addresses of its ends.
    pub(super) fn new(link: Box<dyn Link>, (peer, own): (SocketAddr, SocketAddr), deadline: Instant) -> Self {
        Self { link, peer, own, inbox: BytesMut::new(), came: 0, sequence: 0, deadline, repairs: BTreeSet::new() }
    }

    /// Both addresses of a TCP connection.
    pub(super) fn ends(stream: &TcpStream) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((stream.peer_addr()?, stream.local_addr()?))
    }

    /// Asks, and waits for the answer. Packets that come meanwhile stay in `early`, in the order of their coming.
    pub(super) async fn ask(
        &mut self,
        method: &str,
        uri: &str,
        headers: &[(&str, String)],
        early: &mut Vec<u8>,
    ) -> Result<Answer, Silence> {
        self.say(method, uri, headers).await?;
        loop {
            match wire::next(&self.inbox) {
                Next::More => self.wait().await?,
                Next::Junk(length) => self.inbox.advance(length),
                Next::Packet(_, at) => early.extend_from_slice(&self.inbox.split_to(at.end)),
                Next::Message(head, length) => {
                    self.inbox.advance(length);
                    self.repair("head", head.repaired);
                    match head.start {
                        Start::Http => return Err(Silence::Http),
                        Start::Request => self.reply(&head).await?,
                        // It is still at it (RFC 2326, section 7.1.1).
                        Start::Answer(100..=199) => self.skip_body(&head).await?,
                        // Its number is not compared: cameras count wrongly, and only one request is ever under way.
                        Start::Answer(status) => {
                            let body = self.body(&head, method == "DESCRIBE" && status == 200).await?;
                            return Ok(Answer { head, status, body });
                        }
                    }
                }
            }
        }
    }

    /// Sends a request.
    pub(super) async fn say(&mut self, method: &str, uri: &str, headers: &[(&str, String)]) -> Result<(), Silence> {
        self.sequence += 1;
        let mut text = format!(
            "{method} {uri} RTSP/1.0\r\nCSeq: {}\r\nUser-Agent: Camera Herald/{}\r\n",
            self.sequence,
            env!("CARGO_PKG_VERSION")
        );
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        self.send(&(text + "\r\n")).await
    }

    /// Answers a request of the camera: whatever it is, it is fine.
    pub(super) async fn reply(&mut self, head: &Head) -> Result<(), Silence> {
        self.skip_body(head).await?;
        let number = head.get("cseq").and_then(super::head::leading_number).unwrap_or(0);
        self.send(&format!("RTSP/1.0 200 OK\r\nCSeq: {number}\r\nPublic: OPTIONS, ANNOUNCE\r\n\r\n")).await
    }

    /// Takes note of what had to be repaired.
    pub(super) fn repair(&mut self, what: &'static str, was_needed: bool) {
        if was_needed {
            self.repairs.insert(what);
        }
    }

    async fn send(&mut self, text: &str) -> Result<(), Silence> {
        match timeout_at(self.deadline, self.link.write_all(text.as_bytes())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_broken)) => Err(Silence::Closed(self.came > 0)),
            Err(_) => Err(Silence::Late),
        }
    }

    /// Waits for more bytes before the stream plays.
    async fn wait(&mut self) -> Result<(), Silence> {
        let deadline = self.deadline;
        timeout_at(deadline, self.read()).await.map_err(|_late| Silence::Late)??;
        if self.came > MOST_BEFORE_PLAY { Err(Silence::TooMuch) } else { Ok(()) }
    }

    /// Reads what has come: how many bytes. Nothing is lost when it is dropped before it is done.
    pub(super) async fn read(&mut self) -> Result<usize, Silence> {
        self.inbox.reserve(READING);
        match self.link.read_buf(&mut self.inbox).await {
            Ok(0) | Err(_) => Err(Silence::Closed(self.came > 0)),
            Ok(length) => {
                self.came += length;
                Ok(length)
            }
        }
    }

    /// The body behind a head. A description is taken as far as it came, when the camera counts wrongly.
    async fn body(&mut self, head: &Head, is_description: bool) -> Result<Vec<u8>, Silence> {
        if !is_description {
            self.skip_body(head).await?;
            return Ok(Vec::new());
        }
        let stated = head.length().filter(|length| *length > 0);
        while stated.is_none_or(|length| self.inbox.len() < length) {
            let seems_whole = wire::seems_whole(&self.inbox);
            let patience = match stated {
                _ if seems_whole => PAUSE,
                None => UNSTATED,
                Some(_) => self.deadline.saturating_duration_since(Instant::now()),
            };
            match timeout(patience, self.wait()).await {
                Ok(Ok(())) => {}
                Ok(Err(Silence::Closed(_))) if !self.inbox.is_empty() => break,
                Ok(Err(silence)) => return Err(silence),
                // What is missing shows when it is read.
                Err(_) if stated.is_none() || !self.inbox.is_empty() => break,
                Err(_) => return Err(Silence::Late),
            }
        }
        // An LF that belongs to the head's last line end, when its CR came alone.
        if self.inbox.first() == Some(&b'\n') {
            self.inbox.advance(1);
        }
        let end = wire::description_end(&self.inbox, stated);
        self.repair("length", stated != Some(end));
        Ok(self.inbox.split_to(end).to_vec())
    }

    /// Waits for the answer to the last request, whatever comes before it.
    pub(super) async fn until_answered(&mut self) -> Result<(), Silence> {
        loop {
            match wire::next(&self.inbox) {
                Next::Message(Head { start: Start::Answer(_), .. }, _) => return Ok(()),
                Next::Message(_, length) | Next::Junk(length) => self.inbox.advance(length),
                Next::Packet(_, at) => self.inbox.advance(at.end),
                Next::More => drop(self.read().await?),
            }
        }
    }

    /// Passes over a body that nobody needs.
    async fn skip_body(&mut self, head: &Head) -> Result<(), Silence> {
        let length = head.length().unwrap_or(0).min(MOST_UNUSED);
        while self.inbox.len() < length {
            match timeout(PAUSE, self.wait()).await {
                Ok(outcome) => outcome?,
                Err(_pause) => break,
            }
        }
        self.inbox.advance(length.min(self.inbox.len()));
        Ok(())
    }
}
