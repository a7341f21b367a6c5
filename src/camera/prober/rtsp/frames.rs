//! Reads frames from the packets of a stream, and waits for one to begin with.
//!
//! In: the address of a door on loopback. Out: a key frame, what is known of the stream, and figures. Invariant: every wait ends by the
//! deadline.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use retina::client::{
    Demuxed, InitialSequenceNumberPolicy, PlayOptions, Session, SessionGroup, SessionOptions, SetupOptions, Stream,
    TcpTransportOptions, Transport,
};
use retina::codec::{CodecItem, FrameFormat, ParametersRef, VideoFrame};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::debug;
use url::Url;

use super::flow::Flow;
use crate::camera::prober::develop::Exposure;
use crate::camera::prober::figures::{Figures, figures};
use crate::camera::prober::place::Place;
use crate::camera::{Failure, Reason, Sighting};
use crate::picture::keyframe::Codec;

/// The one track that the door offers.
const VIDEO: usize = 0;
/// How long retina gets to say goodbye to the door.
const GOODBYE_LIMIT: Duration = Duration::from_millis(500);
/// How many packets may be broken before the first picture. A camera that lets viewers in at any moment begins in the
/// middle of a picture, and all of its packets up to the next one are errors for retina; a 4K picture has a thousand.
/// There is an end to it because an error of the connection itself may come back for ever without a wait.
const BROKEN_LIMIT: u32 = 5000;

/// The frames of one stream.
pub(super) struct Frames<'a> {
    /// What the user is told.
    place: &'a Place,
    flow: &'a Flow,
    over_udp: bool,
    deadline: Instant,
    group: Arc<SessionGroup>,
    playing: Option<Demuxed>,
}

impl<'a> Frames<'a> {
    /// Nothing is read yet.
    pub(super) fn new(place: &'a Place, flow: &'a Flow, over_udp: bool, deadline: Instant) -> Self {
        Self { place, flow, over_udp, deadline, group: Arc::default(), playing: None }
    }

    /// Waits for the first frame that a decoder can start with.
    pub(super) async fn find(&mut self, door: Url) -> Result<VideoFrame, Failure> {
        let opened = timeout_at(self.deadline, open(door, Arc::clone(&self.group))).await;
        let opened = opened.map_err(|_late| self.no_frames("sends packets too slowly to be read here"))?;
        let frames = opened.map_err(|error| {
            debug!(place = %self.place, %error, "The packets cannot be read");
            self.no_frames(UNREADABLE)
        })?;
        let mut frames = self.playing.insert(frames);
        let (mut others, mut broken) = (0_u32, 0_u32);
        loop {
            match timeout_at(self.deadline, frames.next()).await {
                Ok(Some(Ok(CodecItem::VideoFrame(frame)))) => {
                    self.flow.frame_came();
                    if is_key_frame(&frame, &frames.streams()[VIDEO]) {
                        return Ok(frame);
                    }
                    others += 1;
                }
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(_))) if broken < BROKEN_LIMIT => broken += 1,
                Ok(Some(Err(_))) => return Err(self.no_frames(UNREADABLE)),
                Ok(None) => {
                    return Err(self.no_frames("closes the stream before the first picture: restart the camera"));
                }
                Err(_) => return Err(self.no_frames(what_came(self.flow.packets(), self.over_udp, others, broken))),
            }
            frames = self.playing.as_mut().expect("it was put there before");
        }
    }

    /// Looks on for a moment.
    pub(super) async fn measure(&mut self, key_frame: &VideoFrame) -> Figures {
        match &mut self.playing {
            Some(frames) => figures(frames, VIDEO, key_frame).await,
            None => Figures::default(),
        }
    }

    /// What was seen, and what there is to make a picture of.
    pub(super) fn developed(
        &self,
        key_frame: VideoFrame,
        latency: Duration,
        figures: Option<Figures>,
    ) -> (Sighting, Exposure) {
        let stream = self.playing.as_ref().map(|frames| &frames.streams()[VIDEO]);
        let seen = stream.map(|stream| sighting(stream, latency, figures)).unwrap_or_default();
        let data = Bytes::from(key_frame.into_data());
        let exposure = match seen.codec.as_deref() {
            Some("h264") => Exposure::KeyFrame(Codec::H264, data, seen.resolution),
            Some("h265") => Exposure::KeyFrame(Codec::H265, data, seen.resolution),
            _ => Exposure::File(data),
        };
        (seen, exposure)
    }

    /// Lets retina end its session with the door, which it does in a task of its own.
    pub(super) async fn close(&mut self) {
        self.playing = None;
        let _ = timeout(GOODBYE_LIMIT, self.group.await_teardown()).await;
    }

    fn no_frames(&self, what: &str) -> Failure {
        Failure::new(Reason::NoFrames, format!("{} {what}", self.place))
    }
}

/// Opens the session with the door.
async fn open(door: Url, group: Arc<SessionGroup>) -> Result<Demuxed, retina::Error> {
    let mut session = Session::describe(door, SessionOptions::default().session_group(group)).await?;
    let setup = SetupOptions::default()
        .transport(Transport::Tcp(TcpTransportOptions::default()))
        .frame_format(FrameFormat::SIMPLE);
    session.setup(VIDEO, setup).await?;
    let play = PlayOptions::default().initial_seq(InitialSequenceNumberPolicy::Ignore);
    session.play(play).await?.demuxed()
}

const UNREADABLE: &str = "sends video that cannot be read: restart the camera or change its codec";

/// What a stream sent that never showed a picture, and what to do.
fn what_came(packets: (u64, u64), over_udp: bool, others: u32, broken: u32) -> &'static str {
    match (packets, others, broken) {
        ((0, 0), ..) if over_udp => {
            "streams over UDP only, and none of its packets arrives: allow RTP over RTSP (TCP) in the camera, or UDP in the firewall"
        }
        ((0, 0), ..) => "opens the stream but sends no picture: restart the camera",
        ((0, _), ..) => "sends something else than the video that it describes: restart the camera or change its codec",
        (_, 0, 0) => "sends packets but no whole picture: restart the camera",
        (_, 0, _) => UNREADABLE,
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
