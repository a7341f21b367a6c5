//! The loopback port through which retina gets a stream: it opens its own connections, so it is given one that does everything right.
//!
//! In: a track. Out: a connection on which its packets are awaited. Invariant: nobody gets in but who knows the secret in the address, and
//! somebody else who knocks keeps nobody waiting.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::{Buf, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::description::Track;

/// So many may knock at a time.
const KNOCKING: usize = 8;
/// The longest request of a reader that behaves.
const LONGEST: usize = 4_096;

/// A door that is open for one reader.
pub(super) struct Door {
    listener: TcpListener,
    address: SocketAddr,
    secret: String,
}

impl Door {
    /// Opens it.
    pub(super) async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, secret: format!("{:032x}", rand::random::<u128>()) })
    }

    /// What the reader is told.
    pub(super) fn url(&self) -> Result<Url, url::ParseError> {
        Url::parse(&format!("rtsp://{}/{}", self.address, self.secret))
    }

    /// Waits until the reader has asked for the stream to play.
    pub(super) async fn admit(self, track: &Track) -> io::Result<Reader> {
        let mut knocking = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => {
                    let (stream, _) = accepted?;
                    if knocking.len() < KNOCKING {
                        knocking.push(self.greet(stream, track));
                    }
                }
                Some(greeted) = knocking.next(), if !knocking.is_empty() => {
                    if let Some(reader) = greeted {
                        return Ok(reader);
                    }
                }
            }
        }
    }

    /// Answers DESCRIBE, SETUP and PLAY. `None` for somebody who does not know the secret, or goes.
    async fn greet(&self, stream: TcpStream, track: &Track) -> Option<Reader> {
        stream.set_nodelay(true).ok()?;
        let mut reader = Reader { stream, inbox: BytesMut::new() };
        loop {
            let request = reader.request().await.ok()?;
            if !request.lines().next()?.contains(&self.secret) {
                return None;
            }
            match request.split(' ').next()? {
                "DESCRIBE" => {
                    let description = track.description();
                    let more = format!(
                        "Content-Type: application/sdp\r\nContent-Base: rtsp://{}/{}/\r\nContent-Length: {}\r\n\r\n{description}",
                        self.address,
                        self.secret,
                        description.len()
                    );
                    reader.answer(&request, &more).await.ok()?;
                }
                "SETUP" => {
                    let more = "Session: 1;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n";
                    reader.answer(&request, more).await.ok()?;
                }
                "PLAY" => {
                    reader.answer(&request, "Session: 1\r\n\r\n").await.ok()?;
                    return Some(reader);
                }
                _ => reader.answer(&request, "Session: 1\r\n\r\n").await.ok()?,
            }
        }
    }
}

/// The connection of the reader.
pub(super) struct Reader {
    stream: TcpStream,
    inbox: BytesMut,
}

impl Reader {
    /// Waits for the next request. Nothing is lost when it is dropped before it is done.
    pub(super) async fn request(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.inbox, b"\r\n\r\n") {
                let request = String::from_utf8_lossy(&self.inbox[..end]).into_owned();
                self.inbox.advance(end + 4);
                return Ok(request);
            }
            if self.inbox.len() > LONGEST || self.stream.read_buf(&mut self.inbox).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
        }
    }

    /// Answers a request, with these headers after the first ones.
    pub(super) async fn answer(&mut self, request: &str, more: &str) -> io::Result<()> {
        let sequence = request.lines().find(|line| line.starts_with("CSeq:")).unwrap_or("CSeq: 0");
        self.send(format!("RTSP/1.0 200 OK\r\n{sequence}\r\n{more}").as_bytes()).await
    }

    /// Sends packets.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Tells that nothing more will come.
    pub(super) async fn end(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }
}
