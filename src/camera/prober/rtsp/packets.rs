//! The video packets of a camera (RTP, RFC 3550), told from what else comes, and numbered as a strict reader wants them.
//!
//! In: packets as they come. Out: those of the video, with one source, and numbers that follow one another.
//! Invariant: pure; what is lost stays lost, so that a picture with a hole is not taken for a whole one.

use super::description::Track;

/// The shortest RTP packet.
const HEADER: usize = 12;
/// The source that all packets are given: some cameras change theirs in the middle of a stream.
const SOURCE: [u8; 4] = [0, 0, 0, 1];
/// More than this is no loss, but another count.
const MOST_LOST: u16 = 3_000;

/// Sorts and numbers the packets of one stream.
pub(super) struct Packets {
    payload_type: u8,
    channel: u8,
    /// The number of the packet before, as it came and as it went on.
    last: Option<(u16, u16)>,
    /// When the packet before was taken, in the stream's clock.
    time: [u8; 4],
    /// So many packets were of the video, and so many of something else.
    pub(super) taken: u64,
    pub(super) others: u64,
}

impl Packets {
    pub(super) fn new(track: &Track, channel: u8) -> Self {
        Self { payload_type: track.payload_type, channel, last: None, time: [0; 4], taken: 0, others: 0 }
    }

    /// Takes a packet and writes it anew, or says no to one that is not of the video.
    pub(super) fn admit(&mut self, channel: u8, packet: &mut [u8]) -> bool {
        if packet.len() < HEADER || packet[0] >> 6 != 2 || !self.is_video(channel, packet) {
            self.others += 1;
            return false;
        }
        let came = u16::from_be_bytes([packet[2], packet[3]]);
        let went = match self.last {
            None => came,
            // The same packet once more.
            Some((before, _)) if before == came && self.time == packet[4..8] => return false,
            Some((before, went)) => went.wrapping_add(match came.wrapping_sub(before) {
                step @ 1..=MOST_LOST => step,
                _ => 1,
            }),
        };
        packet[2..4].copy_from_slice(&went.to_be_bytes());
        packet[8..12].copy_from_slice(&SOURCE);
        self.time.copy_from_slice(&packet[4..8]);
        self.last = Some((came, went));
        self.taken += 1;
        true
    }

    /// Only the video was asked for, so its type decides; before anything of that type has come, the channel may.
    fn is_video(&mut self, channel: u8, packet: &[u8]) -> bool {
        // RTCP has 192 to 223 there (RFC 5761, section 4).
        if (192..224).contains(&packet[1]) {
            return false;
        }
        let payload_type = packet[1] & 0x7f;
        if payload_type == self.payload_type {
            return true;
        }
        // A camera that describes another type than it sends.
        let renamed = self.taken == 0 && channel == self.channel && payload_type >= 96;
        if renamed {
            self.payload_type = payload_type;
        }
        renamed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::prober::rtsp::description;

    fn track() -> Track {
        description::read(b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n").unwrap()
    }

    fn packet(payload_type: u8, number: u16, source: u8) -> Vec<u8> {
        let [high, low] = number.to_be_bytes();
        vec![0x80, payload_type, high, low, 0, 0, low, high, 9, 9, 9, source, 0x65]
    }

    /// The numbers of the packets that went on.
    fn numbers(came: &[u16]) -> Vec<u16> {
        let mut packets = Packets::new(&track(), 0);
        let mut went = Vec::new();
        for (place, number) in came.iter().enumerate() {
            let mut packet = packet(96, *number, place as u8);
            if packets.admit(0, &mut packet) {
                assert_eq!(packet[8..12], SOURCE, "one source, whatever the camera makes of it");
                went.push(u16::from_be_bytes([packet[2], packet[3]]));
            }
        }
        went
    }

    #[test]
    fn numbers_follow_one_another_and_what_is_lost_stays_lost() {
        assert_eq!(numbers(&[65_534, 65_535, 0, 3]), [65_534, 65_535, 0, 3]);
        assert_eq!(numbers(&[7, 7, 8]), [7, 8], "twice is once");
        assert_eq!(numbers(&[7, 40_000, 40_001, 2]), [7, 8, 9, 10], "another count is no loss");
    }

    #[test]
    fn what_is_not_of_the_video_does_not_go_on() {
        let mut packets = Packets::new(&track(), 2);
        assert!(!packets.admit(1, &mut [0x80, 200, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0]), "a report");
        assert!(!packets.admit(0, &mut packet(97, 1, 1)), "another type on another channel");
        assert!(!packets.admit(2, &mut [0; 20]) && !packets.admit(2, &mut [0x80; 5]), "no RTP at all");
        assert!(packets.admit(0, &mut packet(96, 1, 1)), "its type on whatever channel");
        assert!(!packets.admit(2, &mut packet(97, 2, 1)), "the type is known by now");
        let mut renamed = Packets::new(&track(), 2);
        assert!(renamed.admit(2, &mut packet(98, 1, 1)) && renamed.admit(2, &mut packet(98, 2, 1)));
    }
}
