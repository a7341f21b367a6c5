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
const LOOK_FRAMES: usize = 120;
/// So many of the last frames may be waiting for one that is shown before them: three between two others are what encoders use.
const REORDERED: usize = 4;

/// What was measured after the key frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) fps: Option<f32>,
    pub(super) bitrate: Option<u64>,
}

/// Looks on for a moment. A stream that stops or breaks here has shown its picture already: the next probe will find out.
pub(super) async fn figures(frames: &mut Demuxed, video: usize, first: &VideoFrame) -> Figures {
    let until = Instant::now() + LOOK;
    let began = first.timestamp().elapsed_secs();
    let (mut times, mut bytes) = (Vec::new(), 0_usize);
    while times.len() < LOOK_FRAMES && bytes < LOOK_BYTES {
        match timeout_at(until, frames.next()).await {
            Ok(Some(Ok(CodecItem::VideoFrame(frame)))) if frame.stream_id() == video => {
                times.push(frame.timestamp().elapsed_secs() - began);
                bytes += frame.data().len();
            }
            Ok(Some(Ok(_))) => {}
            Ok(Some(Err(_)) | None) | Err(_) => break,
        }
    }
    measured(&times, bytes)
}

/// From the times of the frames after the first one, in seconds of the camera's clock and in the order of their coming, and their bytes.
/// Below half a second, or with a clock that makes no sense, nothing is said.
fn measured(times: &[f64], bytes: usize) -> Figures {
    let in_order = times.is_sorted() && times.first().is_some_and(|first| *first > 0.0);
    let seconds = if in_order { times.last().copied() } else { complete_until(times) }.unwrap_or(0.0);
    let frames = times.iter().filter(|time| (0.0..=seconds).contains(*time)).count();
    if frames < 2 || !(0.5..=10.0).contains(&seconds) {
        return Figures::default();
    }
    let fps = (frames as f64 / seconds * 10.0).round() / 10.0;
    let share = frames as f64 / times.len() as f64;
    let kilobits = (bytes as f64 * share * 8.0 / seconds / 1_000.0).round();
    Figures { fps: Some(fps as f32), bitrate: Some(kilobits as u64 * 1_000) }
}

/// Until when all frames have come. A frame that others are made from comes before those that are shown before it.
fn complete_until(times: &[f64]) -> Option<f64> {
    times.iter().rev().take(REORDERED).copied().reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_come_from_the_cameras_clock_and_only_when_it_makes_sense() {
        let every = |seconds: f64| (1..=30).map(|frame| f64::from(frame) * seconds).collect::<Vec<_>>();
        assert_eq!(measured(&every(0.04), 250_000), Figures { fps: Some(25.0), bitrate: Some(1_667_000) });
        assert_eq!(measured(&every(0.0), 250_000), Figures::default());
        assert_eq!(measured(&every(-0.1), 250_000), Figures::default());
        assert_eq!(measured(&[1.0], 250_000), Figures::default());
        assert_eq!(measured(&[], 0), Figures::default());
    }

    #[test]
    fn frames_that_come_before_those_that_are_shown_before_them_are_counted_right() {
        let groups = (0..8).flat_map(|group| [4, 2, 1, 3].map(|place| f64::from(group * 4 + place) * 0.04));
        let times: Vec<f64> = groups.collect();
        for end in 20..=times.len() {
            assert_eq!(measured(&times[..end], 100_000).fps, Some(25.0), "{end}");
        }
    }
}
