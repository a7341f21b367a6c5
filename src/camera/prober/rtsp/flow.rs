//! How much a camera may send for one picture.
//!
//! In: every byte that comes while the stream plays, and each whole frame. Out: whether it was too much. Invariant: what waits in memory for
//! a frame's end is never more than [`MOST_FOR_A_FRAME`], whoever keeps it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A key frame of 4K video has 2 MiB, a picture of a 12 megapixel camera 6 MiB.
const MOST_FOR_A_FRAME: u64 = 16 * 1024 * 1024;
/// Ten seconds of 50 Mbit/s.
const MOST_FOR_A_PROBE: u64 = 64 * 1024 * 1024;

/// What has come since the stream plays. Whoever carries it counts bytes, whoever reads it counts frames.
#[derive(Debug, Default)]
pub(super) struct Flow {
    bytes: AtomicU64,
    at_last_frame: AtomicU64,
    packets: AtomicU64,
    others: AtomicU64,
}

/// What there was too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// A frame does not end.
    Frame,
    /// Frames come, but none to begin with.
    Probe,
}

impl Flow {
    /// So many bytes came.
    pub(super) fn took(&self, bytes: usize) -> Result<(), Excess> {
        let all = self.bytes.fetch_add(bytes as u64, Relaxed) + bytes as u64;
        if all - self.at_last_frame.load(Relaxed).min(all) > MOST_FOR_A_FRAME {
            return Err(Excess::Frame);
        }
        if all > MOST_FOR_A_PROBE { Err(Excess::Probe) } else { Ok(()) }
    }

    /// So many packets came: of the video, and of something else.
    pub(super) fn counted(&self, packets: u64, others: u64) {
        self.packets.store(packets, Relaxed);
        self.others.store(others, Relaxed);
    }

    /// A whole frame was read.
    pub(super) fn frame_came(&self) {
        self.at_last_frame.store(self.bytes.load(Relaxed), Relaxed);
    }

    /// Packets of the video, and of something else.
    pub(super) fn packets(&self) -> (u64, u64) {
        (self.packets.load(Relaxed), self.others.load(Relaxed))
    }
}

impl Excess {
    /// What to say of the camera.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Frame => "sends a picture that never ends: restart the camera",
            Self::Probe => {
                "sends 64 MiB of video without a picture to begin with: shorten the camera's key frame interval"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_and_a_probe_have_their_limits() {
        let megabytes = |flow: &Flow, count: usize| (0..count).try_for_each(|_| flow.took(1 << 20));
        let flow = Flow::default();
        assert_eq!(megabytes(&flow, 16), Ok(()));
        assert_eq!(megabytes(&flow, 1), Err(Excess::Frame));

        let flow = Flow::default();
        for _ in 0..4 {
            assert_eq!(megabytes(&flow, 16), Ok(()), "each frame begins anew");
            flow.frame_came();
        }
        assert_eq!(megabytes(&flow, 1), Err(Excess::Probe));
    }
}
