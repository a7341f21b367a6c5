//! What a stream does in the moment after its key frame: frames a second and bits a second.
//!
//! In: the frames that follow. Out: figures, or none when there is too little to say. Invariant: a look ends within [`LOOK`], and
//! before so many bytes and frames.

use std::time::Duration;

use futures_util::StreamExt;
use retina::client::Demuxed;
use retina::codec::{CodecItem, VideoFrame};
use tokio::time::{Instant, timeout_at};

/// So long, so many bytes and so many frames are looked at.
const LOOK: Duration = Duration::from_millis(1_200);
const LOOK_BYTES: usize = 4 * 1_024 * 1_024;
const LOOK_FRAMES: u32 = 120;

/// What was measured after the key frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) fps: Option<f32>,
    pub(super) bitrate: Option<u64>,
}

/// Looks on for a moment. A stream that stops or breaks here has shown its picture already: the next probe will find out.
pub(super) async fn figures(frames: &mut Demuxed, video: usize, first: &VideoFrame) -> Figures {
    let until = Instant::now() + LOOK;
    let (mut seen, mut bytes, mut last) = (0_u32, 0_usize, first.timestamp());
    while seen < LOOK_FRAMES && bytes < LOOK_BYTES {
        match timeout_at(until, frames.next()).await {
            Ok(Some(Ok(CodecItem::VideoFrame(frame)))) if frame.stream_id() == video => {
                seen += 1;
                bytes += frame.data().len();
                last = frame.timestamp();
            }
            Ok(Some(Ok(_))) => {}
            Ok(Some(Err(_)) | None) | Err(_) => break,
        }
    }
    measured(seen, bytes, last.elapsed_secs() - first.timestamp().elapsed_secs())
}

/// From a count of frames and bytes, and the seconds of the camera's clock between the first picture and the last. Below half a
/// second, or with a clock that makes no sense, nothing is said.
fn measured(frames: u32, bytes: usize, seconds: f64) -> Figures {
    if frames < 2 || !(0.5..=10.0).contains(&seconds) {
        return Figures::default();
    }
    let fps = (f64::from(frames) / seconds * 10.0).round() / 10.0;
    let kilobits = (bytes as f64 * 8.0 / seconds / 1_000.0).round();
    Figures { fps: Some(fps as f32), bitrate: Some(kilobits as u64 * 1_000) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_come_from_the_cameras_clock_and_only_when_it_makes_sense() {
        assert_eq!(measured(30, 250_000, 1.2), Figures { fps: Some(25.0), bitrate: Some(1_667_000) });
        assert_eq!(measured(30, 250_000, 0.0), Figures::default());
        assert_eq!(measured(30, 250_000, -3.0), Figures::default());
        assert_eq!(measured(1, 250_000, 1.0), Figures::default());
    }
}
