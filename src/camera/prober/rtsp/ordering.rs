//! Datagrams in the order in which they were sent.
//!
//! In: RTP packets as the network brings them. Out: the same in the order of their numbers. Invariant: pure; at most [`WINDOW`] wait for
//! one that is late, and one that comes too late is dropped.

use std::collections::BTreeMap;

/// How many packets wait for one that is missing: a picture's worth would be a delay, a few are what Wi-Fi swaps.
const WINDOW: usize = 32;

/// Packets that are further away than this belong to another count.
const FAR: u16 = 1_000;

/// Packets that wait for those before them.
#[derive(Default)]
pub(super) struct Ordering {
    /// The number that is next, counted on beyond 16 bits.
    next: Option<u64>,
    waiting: BTreeMap<u64, Vec<u8>>,
}

impl Ordering {
    /// Takes a packet. Those that are in turn now are given to `out`, in order.
    pub(super) fn take(&mut self, packet: &[u8], mut out: impl FnMut(Vec<u8>)) {
        let Some(number) = packet.get(2..4).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]])) else { return };
        // Far from zero, so that a packet before the first one has a number too.
        let next = *self.next.get_or_insert(0x1_0000 + u64::from(number));
        let ahead = number.wrapping_sub(next as u16).cast_signed();
        let Some(place) = next.checked_add_signed(i64::from(ahead)) else { return };
        // A count that begins anew is far away; a late packet is near.
        if ahead.unsigned_abs() > FAR {
            self.flush(&mut out);
            self.next = Some(place + 1);
            return out(packet.to_vec());
        }
        if ahead < 0 {
            return;
        }
        self.waiting.insert(place, packet.to_vec());
        if self.waiting.len() > WINDOW {
            self.next = self.waiting.keys().next().copied();
        }
        while let Some(ready) = self.next.and_then(|next| self.waiting.remove(&next)) {
            self.next = self.next.map(|next| next + 1);
            out(ready);
        }
    }

    fn flush(&mut self, out: &mut impl FnMut(Vec<u8>)) {
        std::mem::take(&mut self.waiting).into_values().for_each(out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(numbers: impl IntoIterator<Item = u16>) -> Vec<u16> {
        let (mut ordering, mut out) = (Ordering::default(), Vec::new());
        for number in numbers {
            let [high, low] = number.to_be_bytes();
            ordering.take(&[0x80, 96, high, low], |packet| out.push(u16::from_be_bytes([packet[2], packet[3]])));
        }
        out
    }

    #[test]
    fn packets_that_overtook_one_another_are_put_in_order() {
        assert_eq!(order([65534, 0, 65535, 1]), [65534, 65535, 0, 1]);
        assert_eq!(order([5, 6, 6, 5, 7]), [5, 6, 7]);
        let late = order((0..100).filter(|number| *number != 10).chain([10]));
        assert_eq!(late, (0..100).filter(|number| *number != 10).collect::<Vec<_>>(), "a lost one is not waited for");
        assert_eq!(order([40_000, 40_001, 3, 4]), [40_000, 40_001, 3, 4], "a count may begin anew");
    }

    proptest! {
        #[test]
        fn whatever_comes_nothing_comes_twice_in_a_row_and_little_waits(numbers in prop::collection::vec(any::<u16>(), 0..300)) {
            let mut ordering = Ordering::default();
            for number in numbers {
                let [high, low] = number.to_be_bytes();
                ordering.take(&[0x80, 96, high, low], |_| ());
                prop_assert!(ordering.waiting.len() <= WINDOW);
            }
        }
    }
}
