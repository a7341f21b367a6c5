//! Cameras: a real RTSP server, and a scripted one for what a real one does not do.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{HashMap, VecDeque};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camera_herald::camera::{Camera, CameraId, CameraKind};
use camera_herald::credentials::Credentials;
use http_auth::{PasswordClient, PasswordParams};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use url::Url;

/// A camera as the options would describe it, with a stream or a snapshot by the URL's scheme.
pub(crate) fn camera(id: &str, url: &str) -> Camera {
    let url = Url::parse(url).unwrap();
    let (stream, snapshot) = if url.scheme().starts_with("rtsp") { (Some(url), None) } else { (None, Some(url)) };
    Camera { stream, snapshot, ..push_camera(id) }
}

/// A camera that only sends events.
pub(crate) fn push_camera(id: &str) -> Camera {
    Camera {
        id: CameraId::new(id).unwrap(),
        name: id.to_owned(),
        stream: None,
        snapshot: None,
        host: None,
        channel: 1,
        own_events: true,
        credentials: None,
        kind: CameraKind::Camera,
        area: None,
        manufacturer: None,
        model: None,
        check_every: Duration::from_secs(5),
        enabled: true,
    }
}

/// The same camera with a user and a password.
pub(crate) fn with_password(camera: Camera, username: &str, password: &str) -> Camera {
    let credentials = Credentials { username: username.to_owned(), password: password.to_owned().into() };
    Camera { credentials: Some(credentials), ..camera }
}

/// GStreamer's RTSP server (`tests/data/rtsp_server.py`), ended when it is dropped.
pub(crate) struct RtspServer {
    process: Child,
    ports: HashMap<String, u16>,
    _certificate: tempfile::TempDir,
}

impl RtspServer {
    pub(crate) async fn start() -> Self {
        Self::start_on(0).await
    }

    /// With the open door on a certain port, to come back after it was stopped.
    pub(crate) async fn start_on(port: u16) -> Self {
        let certificate = tempfile::tempdir().unwrap();
        let (cert, key) = (certificate.path().join("cert.pem"), certificate.path().join("key.pem"));
        let made = rcgen::generate_simple_self_signed(vec!["camera.example".to_owned()]).unwrap();
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let mut process = Command::new("/usr/bin/python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rtsp_server.py"))
            .args([&cert, &key])
            .arg(port.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("python3 with GStreamer's RTSP server");
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let reading = tokio::time::timeout(Duration::from_secs(30), output.read_line(&mut line));
        reading.await.expect("the server starts in time").unwrap();
        let ports = serde_json::from_str(&line).expect("python3-gi and gir1.2-gst-rtsp-server-1.0 are installed");
        Self { process, ports, _certificate: certificate }
    }

    pub(crate) fn url(&self, door: &str, path: &str) -> String {
        let scheme = if door == "tls" { "rtsps" } else { "rtsp" };
        format!("{scheme}://127.0.0.1:{}{path}", self.port(door))
    }

    pub(crate) fn port(&self, door: &str) -> u16 {
        self.ports[door]
    }

    pub(crate) async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }
}

/// What a scripted camera does with a connection.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    /// Answers with these bytes, whatever it was asked, and closes.
    Says(Vec<u8>),
    /// Answers with these bytes, whatever it was asked, and keeps the connection open.
    Stays(Vec<u8>),
    /// Says this without being asked, and closes.
    Greets(Vec<u8>),
    /// Answers with these bytes again and again.
    Endless(Vec<u8>),
    /// HTTP: sends the image to whoever answers this challenge as the user does.
    Asks { challenge: &'static str, username: &'static str, password: &'static str, image: Vec<u8> },
    /// Accepts and says nothing, for so long.
    Silent(Duration),
    /// RTSP: opens a session and sends these RTP packets, marker and payload, in turn and for ever.
    Plays(Vec<(bool, &'static [u8])>),
    /// RTSP: a key frame without end, as fast as it is taken.
    Floods,
}

/// H.264, 64 by 48 pixels, one NAL unit a packet (RFC 6184, section 5.6).
pub(crate) const SPS: &[u8] =
    b"\x67\x42\xc0\x15\xda\x11\xec\x05\xa8\x30\x30\x35\x28\0\0\x03\0\x08\0\0\x03\0\xa4\x78\xb1\x75";
pub(crate) const PPS: &[u8] = b"\x68\xce\x3c\x80";
pub(crate) const IDR: &[u8] = b"\x65\x88\x84\x06\xa8\x93\x0a\0\x03\xfb\xf2\x4f\x27\x27\x5d\x75\xd7\x5d\x75\xd7\x80";
/// A picture that needs the one before it.
pub(crate) const SLICE: &[u8] = b"\x41\x9a\0\0";
/// The first part of a key frame in many packets (RFC 6184, section 5.8).
pub(crate) const BEGINNING: &[u8] = b"\x7c\x85\x88\x84\x06\xa8\x93\x0a";
/// The middle of a unit in many packets.
pub(crate) const FRAGMENT: &[u8] = b"\x7c\x05\x88\x84";

/// A camera that does what it is told.
pub(crate) struct ScriptedCamera {
    port: u16,
    shared: Arc<Mutex<Shared>>,
    _tasks: JoinSet<()>,
}

struct Shared {
    manner: Manner,
    /// Manners for the next connections only.
    exceptions: VecDeque<Manner>,
    seen: Seen,
}

/// What a scripted camera saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    /// The most connections that were open at once.
    pub(crate) most_at_once: usize,
    /// The same for one path.
    pub(crate) most_per_path: usize,
    pub(crate) requests: Vec<String>,
    open: HashMap<String, usize>,
}

impl ScriptedCamera {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Shared { manner, exceptions: VecDeque::new(), seen: Seen::default() };
        let shared = Arc::new(Mutex::new(shared));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&shared)));
        Self { port, shared, _tasks: tasks }
    }

    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://127.0.0.1:{}{path}", self.port)
    }

    /// Treats the next connection differently.
    pub(crate) fn once(&self, manner: Manner) {
        self.shared.lock().unwrap().exceptions.push_back(manner);
    }

    pub(crate) fn seen(&self) -> Seen {
        self.shared.lock().unwrap().seen.clone()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Mutex<Shared>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let manner = {
            let mut shared = shared.lock().unwrap();
            shared.seen.connections += 1;
            shared.exceptions.pop_front().unwrap_or_else(|| shared.manner.clone())
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let mut stream = BufReader::new(stream);
            if let Manner::Greets(words) = &manner {
                let _ = stream.write_all(words).await;
                return;
            }
            let Some(request) = read_head(&mut stream).await else { return };
            let path = enter(&shared, &request);
            // A camera does not care whether its viewer is still there.
            let _ = behave(manner, request, stream, &shared).await;
            leave(&shared, &path);
        });
    }
}

fn enter(shared: &Mutex<Shared>, request: &str) -> String {
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let seen = &mut shared.lock().unwrap().seen;
    seen.requests.push(request.to_owned());
    *seen.open.entry(path.clone()).or_default() += 1;
    seen.most_per_path = seen.most_per_path.max(seen.open[&path]);
    seen.most_at_once = seen.most_at_once.max(seen.open.values().sum());
    path
}

fn leave(shared: &Mutex<Shared>, path: &str) {
    *shared.lock().unwrap().seen.open.get_mut(path).unwrap() -= 1;
}

/// The lines of one request, up to the empty one. `None` at the end of the connection.
async fn read_head(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_until(b'\n', &mut head).await.ok()? == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

async fn behave(
    manner: Manner,
    request: String,
    mut stream: BufReader<TcpStream>,
    shared: &Mutex<Shared>,
) -> std::io::Result<()> {
    match manner {
        Manner::Says(bytes) | Manner::Greets(bytes) => stream.write_all(&bytes).await,
        Manner::Stays(bytes) => {
            stream.write_all(&bytes).await?;
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(())
        }
        Manner::Endless(bytes) => loop {
            stream.write_all(&bytes).await?;
        },
        Manner::Asks { challenge, username, password, image } => {
            let expected = proof(challenge, username, password, &request);
            let known = request.lines().any(|line| {
                line.split_once(": ")
                    .is_some_and(|(name, value)| name.eq_ignore_ascii_case("authorization") && value == expected)
            });
            stream
                .write_all(&if known {
                    http(200, "", &image)
                } else {
                    http(401, &format!("WWW-Authenticate: {challenge}\r\n"), b"")
                })
                .await
        }
        Manner::Silent(patience) => {
            tokio::time::sleep(patience).await;
            Ok(())
        }
        Manner::Plays(packets) => {
            open_session(request, &mut stream).await?;
            let goodbye = play(&packets, &mut stream).await?;
            shared.lock().unwrap().seen.requests.extend(goodbye);
            Ok(())
        }
        Manner::Floods => {
            open_session(request, &mut stream).await?;
            let more = [&FRAGMENT[..2], &[0x41; 60_000]].concat();
            let frame = [SPS, PPS, BEGINNING].into_iter().chain(std::iter::repeat(more.as_slice()));
            for (sequence, payload) in frame.enumerate() {
                stream.write_all(&packet(false, sequence as u16, 0, payload)).await?;
            }
            Ok(())
        }
    }
}

/// What somebody who knows the password would send. The challenges here have no client nonce, so that it is exact.
fn proof(challenge: &str, username: &str, password: &str, request: &str) -> String {
    let uri = request.split(' ').nth(1).unwrap();
    let parameters = PasswordParams { username, password, uri, method: "GET", body: Some(&[]) };
    PasswordClient::try_from(challenge).unwrap().respond(&parameters).unwrap()
}

/// Answers every request up to PLAY.
async fn open_session(mut request: String, stream: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    const SDP: &str = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
        m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:video\r\n";
    loop {
        let method = request.split(' ').next().unwrap();
        let sequence = request.lines().find(|line| line.starts_with("CSeq")).unwrap_or_default();
        let rest = match method {
            "DESCRIBE" => format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}", SDP.len()),
            "SETUP" => "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n".to_owned(),
            _ => "Session: 1\r\n\r\n".to_owned(),
        };
        stream.write_all(format!("RTSP/1.0 200 OK\r\n{sequence}\r\n{rest}").as_bytes()).await?;
        if method == "PLAY" {
            return Ok(());
        }
        let Some(next) = read_head(stream).await else { return Ok(()) };
        request = next;
    }
}

/// Sends RTP packets, interleaved, until the viewer says something (or goes).
async fn play(packets: &[(bool, &[u8])], stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let (mut sequence, mut time) = (0_u16, 0_u32);
    for (marker, payload) in packets.iter().cycle() {
        stream.write_all(&packet(*marker, sequence, time, payload)).await?;
        sequence = sequence.wrapping_add(1);
        time = time.wrapping_add(if *marker { 9000 } else { 0 });
        if let Ok(said) = tokio::time::timeout(Duration::from_millis(20), read_head(stream)).await {
            return Ok(said);
        }
    }
    Ok(read_head(stream).await)
}

/// An RTP packet (RFC 3550), interleaved in the RTSP connection.
fn packet(marker: bool, sequence: u16, time: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![b'$', 0];
    packet.extend(u16::try_from(12 + payload.len()).unwrap().to_be_bytes());
    packet.extend([0x80, u8::from(marker) << 7 | 96]);
    packet.extend(sequence.to_be_bytes());
    packet.extend(time.to_be_bytes());
    packet.extend([0, 0, 0, 1]);
    packet.extend(payload);
    packet
}

/// An HTTP response.
pub(crate) fn http(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status} Whatever\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A JPEG.
pub(crate) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(width, height).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}
