//! Probes a stream: does a key frame come that can be decoded on its own?
//!
//! In: an `rtsp` or `rtsps` URL. Out: what was seen, or why nothing was. Invariant: a probe ends within [`LIMIT`] plus
//! a goodbye, and leaves no session behind: cameras have few slots, and batteries drain.
//!
//! We speak to the camera ourselves (`session`), as patiently as players do. retina, which is strict and has neither limits nor
//! timeouts, reads the packets from a door of ours on loopback (`door`, `carry`) that does everything right.

mod address;
mod carry;
mod connection;
mod datagrams;
mod description;
mod door;
mod flow;
mod frames;
mod head;
mod login;
mod ordering;
mod packets;
mod session;
mod transport;
mod wire;
mod words;

use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tracing::debug;
use url::Url;

use self::carry::carry;
use self::door::Door;
use self::flow::Flow;
use self::frames::Frames;
use self::login::Login;
use self::session::{Refusal, Session, Way};
use super::develop::Exposure;
use super::habits::{Habit, Habits};
use super::login::Logins;
use super::place::Place;
use crate::camera::{CameraId, Failure, Reason, Sighting};
use crate::credentials::Credentials;

/// From the start of a probe to its key frame. Cameras that send few key frames send one every 4 to 8 s.
const LIMIT: Duration = Duration::from_secs(10);
const MOST_REDIRECTS: u32 = 3;

/// A stream to look at.
pub(super) struct Target<'a> {
    pub(super) camera: &'a CameraId,
    pub(super) url: &'a Url,
    pub(super) credentials: Option<&'a Credentials>,
    /// Look on for a moment after the key frame.
    pub(super) figures: bool,
}

/// Looks at one stream: what was seen, and the key frame.
pub(super) async fn probe(
    tls: &TlsConnector,
    logins: &Logins,
    habits: &Habits,
    target: &Target<'_>,
) -> Result<(Sighting, Exposure), Failure> {
    let place = Place::of(target.url)?;
    let known = habits.of(target.camera, place.host());
    let mut habit = known.clone();
    let seen = visit(tls, logins, &mut habit, target).await;
    if habit != known {
        if habit.repairs != known.repairs {
            debug!(%place, repairs = ?habit.repairs, "What the camera's answers need to be understood has changed");
        }
        habits.learn(target.camera, place.host(), habit);
    }
    seen
}

/// Opens a session by whatever way the camera has, and looks at it.
async fn visit(
    tls: &TlsConnector,
    logins: &Logins,
    habit: &mut Habit,
    target: &Target<'_>,
) -> Result<(Sighting, Exposure), Failure> {
    let started = Instant::now();
    let deadline = started + LIMIT;
    let asked = address::asked(target.url);
    let mut url = asked.clone();
    let (mut over_udp, mut redirects, mut refused) = (habit.streams_over_udp, 0, None);
    loop {
        let place = &Place::of(&url)?;
        let is_elsewhere = !address::same_origin(&asked, &url);
        let mut login = Login::new(logins, place, target.credentials, is_elsewhere);
        let way = Way { tls, place, url: &url, over_udp, deadline };
        let opened = Session::open(&way, &mut login).await;
        match opened {
            Ok(mut session) => {
                habit.streams_over_udp = session.ports.is_some();
                let seen = look(&mut session, place, target.figures, started).await;
                habit.repairs = std::mem::take(&mut session.connection.repairs);
                session.close().await;
                // A way that brings nothing is not the one to begin with the next time.
                habit.streams_over_udp &= seen.is_ok();
                return seen;
            }
            Err(refusal) => {
                match refusal {
                    Refusal::Moved(to, _) if redirects < MOST_REDIRECTS => {
                        redirects += 1;
                        url = to;
                    }
                    Refusal::NoTcp(failure) if !over_udp => {
                        over_udp = true;
                        refused = Some(failure);
                    }
                    Refusal::Moved(_, failure) | Refusal::NoTcp(failure) | Refusal::Failed(failure) => {
                        habit.streams_over_udp = false;
                        // Where both ways failed, the first is the one that the user can mend.
                        return Err(refused.unwrap_or(failure));
                    }
                }
            }
        }
    }
}

/// Looks at a session that plays.
async fn look(
    session: &mut Session<'_, '_>,
    place: &Place,
    figures: bool,
    started: Instant,
) -> Result<(Sighting, Exposure), Failure> {
    let no_door =
        |error: &dyn std::fmt::Display| Failure::new(Reason::Protocol, format!("No port is free on loopback: {error}"));
    let door = Door::open().await.map_err(|error| no_door(&error))?;
    let url = door.url().map_err(|error| no_door(&error))?;
    let flow = Flow::default();
    let over_udp = session.ports.is_some();
    let mut frames = Frames::new(place, &flow, over_udp, started + LIMIT);
    let mut carrying = pin!(carry(session, door, &flow).fuse());
    let found = tokio::select! {
        // A picture that is there counts, whatever came behind it.
        biased;
        found = frames.find(url) => found,
        excess = &mut carrying => match excess {
            Ok(never) => match never {},
            Err(excess) => Err(Failure::new(Reason::NoFrames, format!("{place} {}", excess.words()))),
        },
    };
    let seen = match found {
        Ok(key_frame) => {
            let latency = started.elapsed();
            let measured = tokio::select! {
                measured = frames.measure(&key_frame), if figures => Some(measured),
                _excess = &mut carrying, if figures => None,
                else => None,
            };
            Ok(frames.developed(key_frame, latency, measured))
        }
        Err(failure) => Err(failure),
    };
    tokio::select! {
        () = frames.close() => {}
        _excess = &mut carrying => {}
    }
    seen
}

/// Reads bytes as all that a camera may send. For the fuzz target: whatever comes, the worst is that it is not understood.
#[doc(hidden)]
pub fn understand(bytes: &[u8]) {
    if let Ok(track) = description::read(bytes) {
        let again = description::read(track.description().as_bytes());
        assert!(again.is_ok_and(|again| !again.repaired), "what is written anew can be read");
        address::track("rtsp://10.0.0.5/", track.control.as_deref());
    }
    let mut left = bytes;
    loop {
        let taken = match wire::next(left) {
            wire::Next::More => break,
            wire::Next::Junk(length) => length,
            wire::Next::Packet(_, at) => at.end,
            wire::Next::Message(head, length) => {
                transport::agreed(head.get("transport"), transport::Transport::Datagrams(None));
                wire::description_end(&left[length..], head.length());
                length
            }
        };
        assert!(taken > 0 && taken <= left.len(), "it goes on");
        left = &left[taken..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_a_camera_sends_is_read_to_its_end(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            understand(&bytes);
        }

        #[test]
        fn whatever_is_close_to_a_message_is_read_to_its_end(
            lines in prop::collection::vec(prop::sample::select(vec![
                "RTSP/1.0 200 OK", "OPTIONS * RTSP/1.0", "HTTP/1.1 200 OK", "Content-Length: 9", "Content-Length: -", ": ", " x", "",
                "Transport: RTP/AVP;interleaved=300", "Transport: ;;=,", "$\0\0\x03abc", "$", "v=0", "m=video 0 RTP/AVP 96", "m=video",
                "a=rtpmap:96 H264/0", "a=rtpmap:300 H265", "a=fmtp:96 sprop-parameter-sets=Zw==,aA==", "a=control:", "a=framerate:NaN", "=", "m=",
            ]), 0..20),
            end in prop::sample::select(vec!["\r\n", "\n", "\r", "\r\r\n"]),
        ) {
            understand(lines.join(end).as_bytes());
        }
    }
}
