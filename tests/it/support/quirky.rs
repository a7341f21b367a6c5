//! An RTSP camera that does everything right but one thing, for H.264 over the connection or over UDP.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_auth::{PasswordClient, PasswordParams};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use super::camera::{IDR, PPS, SPS};

/// What a camera does differently.
#[derive(Clone, Copy)]
pub(crate) struct Quirk {
    /// The session description.
    pub(crate) sdp: fn(&str) -> String,
    /// The answer to a request with this method: its head and its body.
    pub(crate) answer: fn(&str, String) -> String,
    /// What is said before the answer to PLAY.
    pub(crate) aside: &'static str,
    /// The challenge for whoever has not proven to be `viewer` with `right`. `N` in it is another number each time.
    pub(crate) challenge: Option<&'static str>,
    /// A nonce is good for one request.
    pub(crate) forgets: bool,
    /// How TCP is refused: a status line, or the answer for UDP all the same when it is empty.
    pub(crate) udp_only: Option<&'static str>,
    /// Packets as they are sent.
    pub(crate) packet: fn(u16, &mut Vec<u8>),
}

/// A camera without any quirk.
pub(crate) const PLAIN: Quirk = Quirk {
    sdp: str::to_owned,
    answer: |_, answer| answer,
    aside: "",
    challenge: None,
    forgets: false,
    udp_only: None,
    packet: |_, _| (),
};

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=Stream\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n\
    m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track1\r\n";

/// A camera that is at it until it is dropped.
pub(crate) struct QuirkyCamera {
    port: u16,
    /// The Basic proofs that came, in number.
    pub(crate) given_away: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl QuirkyCamera {
    pub(crate) async fn start(quirk: Quirk) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let given_away = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        let counted = Arc::clone(&given_away);
        tasks.spawn(async move {
            let mut talks = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let talk = Talk { quirk, port, given_away: Arc::clone(&counted), nonce: 0, udp: None, channel: 0 };
                talks.spawn(async move {
                    let _ = talk.run(stream).await;
                });
            }
        });
        Self { port, given_away, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("rtsp://127.0.0.1:{}/live", self.port)
    }
}

struct Talk {
    quirk: Quirk,
    port: u16,
    given_away: Arc<AtomicU64>,
    nonce: u32,
    udp: Option<(UdpSocket, u16)>,
    /// The channel that the viewer wants the video on.
    channel: u8,
}

impl Talk {
    async fn run(mut self, mut stream: TcpStream) -> std::io::Result<()> {
        while let Some(request) = read_head(&mut stream).await {
            let method = request.split(' ').next().unwrap().to_owned();
            let answer = self.answer(&method, &request).await;
            let plays = method == "PLAY" && answer.contains(" 200");
            if plays {
                stream.write_all(self.quirk.aside.as_bytes()).await?;
            }
            stream.write_all(answer.as_bytes()).await?;
            if plays {
                return self.play(stream).await;
            }
        }
        Ok(())
    }

    async fn answer(&mut self, method: &str, request: &str) -> String {
        let sequence = header(request, "cseq").unwrap_or_default();
        let respond = |status: &str, headers: &str, body: &str| {
            let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
            format!("RTSP/1.0 {status}\r\nCSeq: {sequence}\r\n{headers}{length}\r\n{body}")
        };
        if let Some(challenge) = self.locked(method, request) {
            let headers =
                if challenge.is_empty() { String::new() } else { format!("WWW-Authenticate: {challenge}\r\n") };
            return (self.quirk.answer)(method, respond("401 Unauthorized", &headers, ""));
        }
        let port = self.port;
        let answer = match method {
            "DESCRIBE" => respond(
                "200 OK",
                &format!("Content-Base: rtsp://127.0.0.1:{port}/live/\r\nContent-Type: application/sdp\r\n"),
                &(self.quirk.sdp)(SDP),
            ),
            "SETUP" => {
                let transport = header(request, "transport").unwrap_or_default();
                match self.quirk.udp_only {
                    Some(refusal) if transport.contains("TCP") && !refusal.is_empty() => respond(refusal, "", ""),
                    Some(_) => {
                        let asked = transport.split("client_port=").nth(1).and_then(|rest| rest.split('-').next());
                        let client: u16 = asked.and_then(|text| text.parse().ok()).unwrap_or(9);
                        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                        let own = socket.local_addr().unwrap().port();
                        self.udp = Some((socket, client));
                        let ports =
                            format!("client_port={client}-{};server_port={own}-{}", client + 1, own.wrapping_add(1));
                        respond("200 OK", &format!("Session: 4711\r\nTransport: RTP/AVP;unicast;{ports}\r\n"), "")
                    }
                    None => {
                        let asked = transport.split("interleaved=").nth(1).and_then(|rest| rest.split('-').next());
                        let channel: u8 = asked.and_then(|text| text.parse().ok()).unwrap_or(0);
                        if request.lines().next().unwrap().contains("track1") {
                            self.channel = channel;
                        }
                        let channels = format!("interleaved={channel}-{}", channel + 1);
                        respond(
                            "200 OK",
                            &format!("Session: 4711;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;{channels}\r\n"),
                            "",
                        )
                    }
                }
            }
            "OPTIONS" => respond("200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""),
            _ => respond("200 OK", "Session: 4711\r\n", ""),
        };
        (self.quirk.answer)(method, answer)
    }

    /// The challenge for a request that does not prove anything.
    fn locked(&mut self, method: &str, request: &str) -> Option<String> {
        let challenge = self.quirk.challenge.filter(|_| method != "OPTIONS")?;
        let proof = header(request, "authorization").unwrap_or_default();
        self.given_away.fetch_add(u64::from(proof.starts_with("Basic")), Ordering::Relaxed);
        let asked = challenge.replace('N', &self.nonce.to_string());
        let uri = request.split(' ').nth(1).unwrap();
        let parameters = PasswordParams { username: "viewer", password: "right", uri, method, body: Some(&[]) };
        // As the RFC writes it, whatever the camera made of it.
        let plain = if asked.starts_with("Basic") {
            "Basic realm=\"cam\"".to_owned()
        } else {
            format!("Digest realm=\"cam\", nonce=\"{}\"", self.nonce)
        };
        let expected = PasswordClient::try_from(plain.as_str()).unwrap().respond(&parameters).unwrap();
        // Players write the same proof in different orders.
        let essence = expected.split("response=").nth(1).and_then(|rest| rest.split('"').nth(1)).unwrap_or(&expected);
        if !challenge.is_empty() && proof.contains(essence) {
            self.nonce += u32::from(self.quirk.forgets);
            return None;
        }
        Some(asked)
    }

    async fn play(self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut head = [0; 256];
        for (sequence, time) in (0_u16..).zip((0_u32..).step_by(1_200)) {
            let unit = [SPS, PPS, IDR][usize::from(sequence % 3)];
            let marker = if sequence % 3 == 2 { 0x80 } else { 0 };
            let mut packet = vec![0x80, marker | 96];
            packet.extend(sequence.to_be_bytes());
            packet.extend((time - time % 3_600).to_be_bytes());
            packet.extend([0, 0, 0, 7]);
            packet.extend(unit);
            (self.quirk.packet)(sequence, &mut packet);
            match &self.udp {
                Some((socket, client)) => drop(socket.send_to(&packet, ("127.0.0.1", *client)).await),
                None => {
                    let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
                    stream
                        .write_all(&[&[b'$', self.channel, length[0], length[1]], packet.as_slice()].concat())
                        .await?;
                }
            }
            // Whatever the viewer says now is a goodbye, or a report.
            if let Ok(Ok(0)) = tokio::time::timeout(Duration::from_millis(10), stream.read(&mut head)).await {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn header(request: &str, name: &str) -> Option<String> {
    let mut lines = request.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}
