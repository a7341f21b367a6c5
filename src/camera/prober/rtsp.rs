//! Probes a stream: does a key frame come that can be decoded on its own?
//!
//! In: an `rtsp` or `rtsps` URL. Out: what was seen, or why nothing was. Invariant: a probe ends within [`LIMIT`] plus
//! a diagnosis and a goodbye, and leaves no session behind: cameras have few slots, and batteries drain.
//!
//! retina opens the session; it has no timeouts and hides the sources of its errors. So every step here has the common
//! deadline, and when DESCRIBE fails without an answer a connection of our own finds the cause. That happens after the
//! failure, so that a healthy camera sees one connection only.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use retina::client::{
    Demuxed, Described, InitialSequenceNumberPolicy, PlayOptions, Session, SessionGroup, SessionIdPolicy,
    SessionOptions, SetupOptions, Stream, TcpTransportOptions, Transport,
};
use retina::codec::{CodecItem, FrameFormat, ParametersRef, VideoFrame};
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tracing::debug;
use url::Url;

use super::develop::Exposure;
use super::figures::{Figures, figures};
use super::memory::{self, Watch};
use super::place::Place;
use super::tls::Relay;
use crate::camera::{Failure, Reason, Sighting};
use crate::credentials::Credentials;
use crate::picture::keyframe::Codec;

/// From the start of a probe to its key frame. Cameras that send few key frames send one every 4 to 8 s.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a camera gets to answer TEARDOWN. It has been told by then; retina waits on for at most 5 s.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);

/// Looks at one stream: what was seen, and the key frame.
pub(super) async fn probe(
    tls: &TlsConnector,
    url: &Url,
    credentials: Option<&Credentials>,
    figures: bool,
) -> Result<(Sighting, Exposure), Failure> {
    let place = &Place::of(url)?;
    let started = Instant::now();
    let deadline = started + LIMIT;
    if url.scheme() != "rtsps" {
        return Visit { url: url.clone(), place, credentials, figures, started, deadline }.run().await;
    }
    let relay = Relay::open(tls, place, deadline).await?;
    let visit = Visit { url: relay.url(url)?, place, credentials, figures, started, deadline };
    tokio::select! {
        seen = visit.run() => seen,
        never = relay.run() => match never {},
    }
}

/// How many packets may be broken before the first picture. A camera that lets viewers in at any moment begins in the
/// middle of a picture, and all of its packets up to the next one are errors for retina; a 4K picture has a thousand.
/// There is an end to it because an error of the connection itself may come back for ever without a wait.
const BROKEN_LIMIT: u32 = 5000;

/// One session with a camera, from DESCRIBE to TEARDOWN.
struct Visit<'a> {
    /// What retina is told: the camera's URL, or that of the relay to it.
    url: Url,
    /// What the user is told.
    place: &'a Place,
    credentials: Option<&'a Credentials>,
    /// Look on for a moment after the key frame.
    figures: bool,
    started: Instant,
    deadline: Instant,
}

impl Visit<'_> {
    async fn run(&self) -> Result<(Sighting, Exposure), Failure> {
        let group = Arc::new(SessionGroup::default());
        let seen = self.look(&group).await;
        // The session is dropped by now, and retina says TEARDOWN (RFC 2326, section 10.7) in a task of its own.
        let _ = timeout(GOODBYE_LIMIT, group.await_teardown()).await;
        seen
    }

    async fn look(&self, group: &Arc<SessionGroup>) -> Result<(Sighting, Exposure), Failure> {
        let mut session = self.describe(group).await?;
        let video = self.choose_video(session.streams())?;
        // Interleaved in the RTSP connection (RFC 2326, section 10.12): no ports to open, no packets to lose.
        let setup = SetupOptions::default()
            .transport(Transport::Tcp(TcpTransportOptions::default()))
            .frame_format(FrameFormat::SIMPLE);
        self.step("SETUP", session.setup(video, setup)).await?;
        // Many cameras put a wrong sequence number into RTP-Info; a probe has no use for it.
        let play = PlayOptions::default().initial_seq(InitialSequenceNumberPolicy::Ignore);
        let playing = self.step("PLAY", session.play(play)).await?;
        let mut frames = playing.demuxed().map_err(|error| self.answer_failure("PLAY", &error))?;
        let frame = self.key_frame(&mut frames, video).await?;
        let latency = self.started.elapsed();
        let figures = if self.figures { Some(figures(&mut frames, video, &frame).await) } else { None };
        let seen = sighting(&frames.streams()[video], latency, figures);
        let data = Bytes::from(frame.into_data());
        let exposure = match seen.codec.as_deref() {
            Some("h264") => Exposure::KeyFrame(Codec::H264, data, seen.resolution),
            Some("h265") => Exposure::KeyFrame(Codec::H265, data, seen.resolution),
            _ => Exposure::File(data),
        };
        Ok((seen, exposure))
    }

    async fn describe(&self, group: &Arc<SessionGroup>) -> Result<Session<Described>, Failure> {
        let credentials = self.credentials.map(|known| retina::client::Credentials {
            username: known.username.clone(),
            password: known.password.expose_secret().to_owned(),
        });
        let options = SessionOptions::default()
            .creds(credentials)
            .user_agent(concat!("Camera Herald/", env!("CARGO_PKG_VERSION")).to_owned())
            .session_group(Arc::clone(group))
            .session_id(SessionIdPolicy::UseFirst);
        match timeout_at(self.deadline, Session::describe(self.url.clone(), options)).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(error)) if error.status_code().is_some() => Err(self.answer_failure("DESCRIBE", &error)),
            Ok(Err(error)) => {
                Err(self.place.diagnose().await.unwrap_or_else(|| self.answer_failure("DESCRIBE", &error)))
            }
            Err(_) => Err(self.place.diagnose().await.unwrap_or_else(|| self.silence("DESCRIBE"))),
        }
    }

    fn choose_video(&self, streams: &[Stream]) -> Result<usize, Failure> {
        let video = |stream: &Stream| stream.media() == "video";
        streams
            .iter()
            .position(|stream| video(stream) && matches!(stream.encoding_name(), "h264" | "h265" | "jpeg"))
            .ok_or_else(|| {
                let offered = match streams.iter().find(|stream| video(stream)) {
                    Some(other) => format!("video as {} only", other.encoding_name()),
                    None => "no video".to_owned(),
                };
                self.protocol(format_args!("offers {offered}: set the camera to H.264, H.265 or MJPEG"))
            })
    }

    /// Waits for the first frame that a decoder can start with.
    async fn key_frame(&self, frames: &mut Demuxed, video: usize) -> Result<VideoFrame, Failure> {
        let (mut others, mut broken) = (0_u32, 0_u32);
        let mut memory = Watch::start();
        loop {
            let until = self.deadline.min(Instant::now() + memory::LOOK_EVERY);
            match timeout_at(until, frames.next()).await {
                Ok(Some(Ok(CodecItem::VideoFrame(frame)))) => {
                    memory = Watch::start();
                    if is_key_frame(&frame, &frames.streams()[video]) {
                        return Ok(frame);
                    }
                    others += 1;
                }
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => {
                    broken += 1;
                    if broken > BROKEN_LIMIT {
                        return Err(self.answer_failure("PLAY", &error));
                    }
                }
                Ok(None) => {
                    return Err(self.no_frames("closes the stream before the first picture: restart the camera"));
                }
                Err(_) if memory.is_too_much() => {
                    return Err(self.no_frames("sends a picture that never ends: restart the camera"));
                }
                Err(_) if Instant::now() < self.deadline => {}
                Err(_) => return Err(self.no_frames(what_came(others, broken))),
            }
        }
    }

    async fn step<T>(
        &self,
        method: &str,
        answer: impl Future<Output = Result<T, retina::Error>>,
    ) -> Result<T, Failure> {
        match timeout_at(self.deadline, answer).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(self.answer_failure(method, &error)),
            Err(_) => Err(self.silence(method)),
        }
    }

    /// The camera answered, but not with what we asked for.
    fn answer_failure(&self, method: &str, error: &retina::Error) -> Failure {
        let Self { place, .. } = self;
        // retina's texts go on for lines and quote what the camera sent, which may hold tokens.
        debug!(%place, method, status = error.status_code(), "the camera's answer is no good");
        match error.status_code() {
            Some(401) if self.credentials.is_none() => place.credentials_missing(),
            Some(401 | 403) => place.credentials_refused(),
            Some(404) => place.unknown_path(),
            // RFC 2326, section 11.3.9; cameras use both for "all my slots are taken".
            Some(status @ (453 | 503)) => self.protocol(format_args!(
                "is busy (RTSP status {status}): it may serve few viewers at a time; close others or use its sub stream"
            )),
            Some(461) => self.protocol(format_args!("does not stream over TCP: allow RTP over RTSP in the camera")),
            Some(status) if status >= 300 => {
                self.protocol(format_args!("answers {method} with RTSP status {status}: check the stream's URL"))
            }
            _ => self.protocol(format_args!("does not speak RTSP as expected ({method}): check the port and the URL")),
        }
    }

    fn silence(&self, method: &str) -> Failure {
        Failure::new(
            Reason::Timeout,
            format!(
                "{} accepts connections but does not answer {method}: check the port, restart the camera",
                self.place
            ),
        )
    }

    fn no_frames(&self, what: &str) -> Failure {
        Failure::new(Reason::NoFrames, format!("{} {what}", self.place))
    }

    fn protocol(&self, what: std::fmt::Arguments<'_>) -> Failure {
        Failure::new(Reason::Protocol, format!("{} {what}", self.place))
    }
}

/// What a stream sent that never showed a picture, and what to do.
fn what_came(others: u32, broken: u32) -> &'static str {
    match (others, broken) {
        (0, 0) => "opens the stream but sends no picture: restart the camera",
        (0, _) => "sends video that cannot be read: restart the camera or change its codec",
        _ => "sends video but no key frame in 10 s: shorten the camera's key frame interval",
    }
}

/// A decoder can start with this frame and has all of it.
fn is_key_frame(frame: &VideoFrame, stream: &Stream) -> bool {
    let data = frame.data();
    let known = matches!(stream.parameters(), Some(ParametersRef::Video(_)));
    known
        && frame.is_random_access_point()
        && match stream.encoding_name() {
            "h264" => has_unit(data, |header| header & 0x1f == 5),
            "h265" => has_unit(data, |header| (16..=23).contains(&(header >> 1 & 0x3f))),
            // retina appends a missing end marker, also when the last fragments are missing.
            _ => frame.loss() == 0 && data.starts_with(&[0xff, 0xd8]) && data.ends_with(&[0xff, 0xd9]),
        }
}

/// Whether a frame in Annex B form holds a unit with such a header. A frame of parameter sets alone counts as a random
/// access point for retina, but there is no picture in it.
fn has_unit(data: &[u8], wanted: impl Fn(u8) -> bool) -> bool {
    data.windows(4).any(|bytes| bytes[..3] == [0, 0, 1] && wanted(bytes[3]))
}

fn sighting(stream: &Stream, latency: Duration, figures: Option<Figures>) -> Sighting {
    let parameters = match stream.parameters() {
        Some(ParametersRef::Video(video)) => Some(video),
        _ => None,
    };
    let timed = parameters.and_then(|video| video.frame_rate()).filter(|(seconds, frames)| *seconds > 0 && *frames > 0);
    let declared = timed.map(|(seconds, frames)| frames as f32 / seconds as f32);
    Sighting {
        codec: Some(stream.encoding_name().to_owned()),
        // MJPEG beyond 2040 pixels says 0 by 0 (RFC 2435, section 3.1.5).
        resolution: parameters
            .map(|video| video.pixel_dimensions())
            .filter(|(width, height)| *width > 0 && *height > 0),
        fps: figures.and_then(|measured| measured.fps.or(stream.framerate()).or(declared)),
        bitrate: figures.and_then(|measured| measured.bitrate),
        latency,
        ..Sighting::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_parameter_sets_alone_is_no_picture() {
        let idr = |header: u8| header & 0x1f == 5;
        assert!(!has_unit(&[0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1, 0x68, 0xce], idr));
        assert!(has_unit(&[0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1, 0x65, 0x88], idr));
        assert!(!has_unit(&[0, 0, 1], idr));
    }
}
