//! Who is at a port, and who gives way when too many are. Pure.
//!
//! Whoever was answered what it asked for is known; everybody else is a stranger. In: arrivals, heads, answers. Out: who may stay.
//! Invariant: there are never more than `most` guests, nor more than a burst of strangers from one address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use tokio_util::sync::CancellationToken;

/// Many senders behind one address may ring at one moment: so many shares of it may be there, but only for the time of [`Entered::hurried`].
const BURST: usize = 4;

/// The connections of one port.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    /// Of strangers from one address, without hurry.
    share: usize,
    guests: BTreeMap<u64, Guest>,
    next: u64,
}

#[derive(Debug)]
struct Guest {
    peer: IpAddr,
    known: bool,
    asked: bool,
    /// No whole head was read since this moment, in the order of moments; none while a request is being answered.
    silent_since: Option<u64>,
    leave: CancellationToken,
}

/// Somebody who came in.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) guest: u64,
    /// Its address has more than its share: it must send its head at once.
    pub(super) hurried: bool,
    /// Told when this guest has to give way.
    pub(super) leave: CancellationToken,
}

/// Nobody gives way, for all are being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// All strangers from this address.
    Address,
    /// All.
    Port,
}

impl Crowd {
    pub(super) fn new(most: usize, share: usize) -> Self {
        Self { most, share, guests: BTreeMap::new(), next: 0 }
    }

    /// Lets somebody in; another one gives way for it if it must be.
    pub(super) fn enter(&mut self, peer: IpAddr) -> Result<Entered, Full> {
        let from_there = self.guests.values().filter(|guest| guest.peer == peer && !guest.known).count();
        if from_there >= BURST * self.share {
            self.give_way(|guest| guest.peer == peer && !guest.known).ok_or(Full::Address)?;
        } else if self.guests.len() >= self.most {
            self.give_way(|_anybody| true).ok_or(Full::Port)?;
        }
        let (guest, leave) = (self.moment(), CancellationToken::new());
        let newcomer = Guest { peer, known: false, asked: false, silent_since: Some(guest), leave: leave.clone() };
        self.guests.insert(guest, newcomer);
        Ok(Entered { guest, hurried: from_there >= self.share, leave })
    }

    /// A whole head came.
    pub(super) fn ask(&mut self, guest: u64) {
        if let Some(guest) = self.guests.get_mut(&guest) {
            guest.asked = true;
            guest.silent_since = None;
        }
    }

    /// It gets what it asked for.
    pub(super) fn grant(&mut self, guest: u64) {
        if let Some(guest) = self.guests.get_mut(&guest) {
            guest.known = true;
        }
    }

    /// The answer ends.
    pub(super) fn answered(&mut self, guest: u64) {
        let now = self.moment();
        if let Some(guest) = self.guests.get_mut(&guest) {
            guest.silent_since = Some(now);
        }
    }

    /// Was there ever a whole head?
    pub(super) fn has_asked(&self, guest: u64) -> bool {
        self.guests.get(&guest).is_some_and(|guest| guest.asked)
    }

    pub(super) fn leave(&mut self, guest: u64) {
        self.guests.remove(&guest);
    }

    /// The one that has been silent for longest goes, strangers first. Never one that is being answered.
    fn give_way(&mut self, may: impl Fn(&Guest) -> bool) -> Option<()> {
        let silent = self.guests.iter().filter(|(_, guest)| may(guest));
        let silent = silent.filter_map(|(id, guest)| Some((guest.known, guest.silent_since?, *id)));
        let (_, _, oldest) = silent.min()?;
        self.guests.remove(&oldest)?.leave.cancel();
        Some(())
    }

    fn moment(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));

    fn come(crowd: &mut Crowd, peer: IpAddr, count: usize) -> Vec<Entered> {
        (0..count).map(|_| crowd.enter(peer).expect("somebody gives way")).collect()
    }

    fn staying(guests: &[Entered]) -> Vec<bool> {
        guests.iter().map(|guest| !guest.leave.is_cancelled()).collect()
    }

    #[test]
    fn in_a_full_house_the_oldest_without_a_whole_head_gives_way() {
        let mut crowd = Crowd::new(3, 9);
        let guests = come(&mut crowd, HERE, 3);
        crowd.ask(guests[0].guest);
        assert!(crowd.enter(THERE).is_ok());
        assert_eq!(staying(&guests), [true, false, true], "the first is being answered");
    }

    #[test]
    fn who_waits_for_another_request_is_as_old_as_its_last_answer() {
        let mut crowd = Crowd::new(2, 9);
        let guests = come(&mut crowd, HERE, 2);
        crowd.ask(guests[0].guest);
        crowd.answered(guests[0].guest);
        assert!(crowd.enter(THERE).is_ok());
        assert_eq!(staying(&guests), [true, false]);
    }

    #[test]
    fn a_stranger_gives_way_before_one_that_was_given_what_it_asked_for() {
        let mut crowd = Crowd::new(2, 9);
        let guests = come(&mut crowd, HERE, 2);
        crowd.ask(guests[0].guest);
        crowd.grant(guests[0].guest);
        crowd.answered(guests[0].guest);
        let newcomer = crowd.enter(THERE).unwrap();
        assert_eq!(staying(&guests), [true, false]);
        assert!(crowd.enter(THERE).is_ok() && newcomer.leave.is_cancelled());
        assert!(!guests[0].leave.is_cancelled());
    }

    #[test]
    fn nobody_gives_way_while_all_are_being_answered() {
        let mut crowd = Crowd::new(2, 9);
        let guests = come(&mut crowd, HERE, 2);
        guests.iter().for_each(|guest| crowd.ask(guest.guest));
        assert_eq!(crowd.enter(THERE).unwrap_err(), Full::Port);
        crowd.leave(guests[0].guest);
        assert!(crowd.enter(THERE).is_ok());
        assert_eq!(staying(&guests), [true, true]);
    }

    #[test]
    fn one_address_takes_no_more_than_its_share_from_the_others() {
        let mut crowd = Crowd::new(1_000, 4);
        let others = come(&mut crowd, THERE, 4);
        let guests = come(&mut crowd, HERE, 100);
        let hurried = guests.iter().map(|guest| guest.hurried).collect::<Vec<_>>();
        assert_eq!((&hurried[..4], hurried[4..].iter().all(|hurried| *hurried)), (&[false; 4][..], true));
        assert_eq!(staying(&guests).iter().filter(|stays| **stays).count(), 4 * BURST);
        assert_eq!(staying(&others), [true; 4]);
    }

    #[test]
    fn a_whole_burst_of_requests_from_one_address_leaves_room_for_others() {
        let mut crowd = Crowd::new(1_000, 1);
        come(&mut crowd, HERE, BURST).iter().for_each(|guest| crowd.ask(guest.guest));
        assert_eq!(crowd.enter(HERE).unwrap_err(), Full::Address);
        assert!(crowd.enter(THERE).is_ok());
    }

    #[test]
    fn who_is_known_is_not_counted_to_the_share() {
        let mut crowd = Crowd::new(1_000, 4);
        for guest in come(&mut crowd, HERE, 16) {
            crowd.ask(guest.guest);
            crowd.grant(guest.guest);
        }
        let guests = come(&mut crowd, HERE, 4);
        assert!(guests.iter().all(|guest| !guest.hurried), "{guests:?}");
    }

    #[test]
    fn a_guest_that_gave_way_changes_nothing_any_more() {
        let mut crowd = Crowd::new(1, 9);
        let gone = crowd.enter(HERE).unwrap();
        let stays = crowd.enter(HERE).unwrap();
        crowd.ask(gone.guest);
        crowd.answered(gone.guest);
        crowd.leave(gone.guest);
        assert_eq!((crowd.guests.len(), crowd.has_asked(stays.guest)), (1, false));
    }
}
