//! The events that wait to be sent, as far as they were read. Pure.
//!
//! Each camera's events go in the order of acceptance; no camera waits for another one. An event leaves the line when it is sent, comes
//! back when its epoch ends before it has landed, and is read again from the disk for that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::gate::Verdict;
use crate::camera::CameraId;
use crate::events::outbox::Waiting;

/// Events that are in memory at once. A body has at most 15 KiB.
const ROOM: usize = 256;

/// What is to be done with an event.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// This one goes out.
    Send { event: Waiting, fires: bool },
    /// This one lands without being sent: its camera is gone.
    Drop(Waiting),
}

/// The line.
#[derive(Default)]
pub(super) struct Line {
    /// The outbox that the rows belong to.
    outbox: Option<Arc<str>>,
    /// Everything up to this row was read.
    read_to: i64,
    waiting: BTreeMap<i64, Waiting>,
    /// Sent, and not landed.
    sent: BTreeSet<i64>,
    /// Landed, and not marked on disk.
    landed: BTreeSet<i64>,
    /// Cameras with events that were passed over.
    held_back: BTreeSet<CameraId>,
    /// There may be something to read.
    unread: bool,
}

impl Line {
    /// Whether something is to be read, and after which row.
    pub(super) fn wants(&self) -> Option<i64> {
        (self.unread && self.waiting.len() < ROOM).then_some(self.read_to)
    }

    /// So many wait on disk: some of them may be new.
    pub(super) fn hear(&mut self, waiting: u64) {
        self.unread |= waiting > (self.waiting.len() + self.sent.len() + self.landed.len()) as u64;
    }

    /// What was read; fewer than asked for means that there is no more.
    pub(super) fn read(&mut self, batch: Vec<Waiting>, asked: usize) {
        self.unread = batch.len() >= asked;
        if let Some(first) = batch.first()
            && self.outbox.as_ref() != Some(&first.outbox)
        {
            // Rows of a table that was begun anew are others, though they have the same numbers.
            let outbox = Some(first.outbox.clone());
            *self =
                Self { outbox, held_back: std::mem::take(&mut self.held_back), unread: self.unread, ..Self::default() };
        }
        for event in batch {
            self.read_to = self.read_to.max(event.row);
            if !self.sent.contains(&event.row) && !self.landed.contains(&event.row) {
                self.waiting.insert(event.row, event);
            }
        }
    }

    /// These cameras may be sent to: what was passed over of them is read again.
    pub(super) fn announced(&mut self, cameras: &BTreeSet<CameraId>) {
        let before = self.held_back.len();
        self.held_back.retain(|camera| !cameras.contains(camera));
        if self.held_back.len() < before {
            (self.read_to, self.unread) = (0, true);
        }
    }

    /// Whether it is empty although something may wait on disk: the table was begun anew.
    pub(super) fn is_lost(&self) -> bool {
        let known = self.waiting.len() + self.sent.len() + self.landed.len() + self.held_back.len();
        known == 0 && !self.unread && self.read_to > 0
    }

    /// Reads from the beginning.
    pub(super) fn start_over(&mut self) {
        (self.read_to, self.unread) = (0, true);
    }

    /// The next event that may go, each camera's oldest first; else when to ask again. `is_ready` tells whether an event's picture is
    /// there: until then its camera waits, and no other.
    pub(super) fn next(
        &mut self,
        judge: impl Fn(&Waiting) -> Verdict,
        is_ready: impl Fn(&Waiting) -> bool,
    ) -> (Option<Next>, Option<Instant>) {
        let (mut busy, mut again) = (BTreeSet::new(), None::<Instant>);
        let (mut found, mut passed_over) = (None, Vec::new());
        for (row, event) in &self.waiting {
            if busy.contains(&event.camera) {
                continue;
            }
            match judge(event) {
                Verdict::Send { fires } if is_ready(event) => {
                    found = Some((*row, Some(fires)));
                    break;
                }
                Verdict::Drop => {
                    found = Some((*row, None));
                    break;
                }
                Verdict::HoldBack => passed_over.push(*row),
                Verdict::Wait(until) => again = Some(again.map_or(until, |at| at.min(until))),
                Verdict::Send { .. } => {}
            }
            busy.insert(event.camera.clone());
        }
        self.pass_over(&passed_over);
        let next = found.and_then(|(row, fires)| {
            let event = self.waiting.remove(&row)?;
            self.sent.insert(row);
            Some(fires.map_or(Next::Drop(event.clone()), |fires| Next::Send { event, fires }))
        });
        (next, again)
    }

    /// The events whose pictures are wanted first.
    pub(super) fn with_pictures(&self, judge: impl Fn(&Waiting) -> Verdict) -> impl Iterator<Item = &Waiting> {
        let mut busy = BTreeSet::new();
        self.waiting.values().filter(move |event| {
            busy.insert(event.camera.clone())
                && event.picture.is_some()
                && matches!(judge(event), Verdict::Send { .. } | Verdict::Wait(_))
        })
    }

    /// All events of these cameras leave the memory, so that others have room.
    fn pass_over(&mut self, rows: &[i64]) {
        let cameras: BTreeSet<_> =
            rows.iter().filter_map(|row| self.waiting.get(row)).map(|event| event.camera.clone()).collect();
        if !cameras.is_empty() {
            self.waiting.retain(|_, event| !cameras.contains(&event.camera));
            self.held_back.extend(cameras);
            self.unread = true;
        }
    }

    /// The broker has it.
    pub(super) fn landed(&mut self, row: i64) {
        if self.sent.remove(&row) {
            self.landed.insert(row);
        }
    }

    /// The disk knows that the broker has these.
    pub(super) fn marked(&mut self, rows: &[i64]) {
        for row in rows {
            self.landed.remove(row);
        }
    }

    /// Nothing that is under way lands: it is read again.
    pub(super) fn lose_flight(&mut self) {
        if let Some(first) = self.sent.first() {
            (self.read_to, self.unread) = (self.read_to.min(first - 1), true);
        }
        self.sent.clear();
    }

    /// Whether everything that was sent is marked.
    pub(super) fn is_settled(&self) -> bool {
        self.sent.is_empty() && self.landed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn event(row: i64, camera: &str) -> Waiting {
        Waiting {
            outbox: Arc::from("first"),
            row,
            camera: CameraId::new(camera).unwrap(),
            event_id: row.to_string(),
            timestamp: Timestamp::UNIX_EPOCH,
            received: Timestamp::UNIX_EPOCH,
            kind: "motion",
            body: Arc::from("{}"),
            picture: (row % 2 == 0).then_some(100),
        }
    }

    fn line(events: &[(i64, &str)]) -> Line {
        let mut line = Line::default();
        line.hear(events.len() as u64);
        assert_eq!(line.wants(), Some(0));
        line.read(events.iter().map(|(row, camera)| event(*row, camera)).collect(), ROOM);
        line
    }

    fn rows(
        line: &mut Line,
        judge: impl Fn(&Waiting) -> Verdict + Copy,
        is_ready: impl Fn(&Waiting) -> bool + Copy,
    ) -> Vec<i64> {
        let mut rows = Vec::new();
        while let (Some(Next::Send { event, .. } | Next::Drop(event)), _) = line.next(judge, is_ready) {
            rows.push(event.row);
        }
        rows
    }

    const SEND: fn(&Waiting) -> Verdict = |_| Verdict::Send { fires: true };

    #[test]
    fn a_camera_that_waits_for_its_picture_holds_up_no_other() {
        let mut line = line(&[(2, "a"), (3, "b"), (5, "a"), (7, "b")]);
        assert_eq!(rows(&mut line, SEND, |event| event.picture.is_none()), [3, 7]);
        assert_eq!(rows(&mut line, SEND, |_| true), [2, 5], "in order of acceptance");
    }

    #[test]
    fn a_camera_without_topics_leaves_the_line_and_comes_back_with_them() {
        let mut line = line(&[(1, "new"), (2, "a"), (3, "new")]);
        let held = |event: &Waiting| match event.camera.as_str() {
            "new" => Verdict::HoldBack,
            _ => Verdict::Send { fires: true },
        };
        assert_eq!(rows(&mut line, held, |_| true), [2]);
        assert!(line.waiting.is_empty());
        line.announced(&BTreeSet::from([CameraId::new("a").unwrap()]));
        line.unread = false;
        line.announced(&BTreeSet::from([CameraId::new("new").unwrap()]));
        assert_eq!(line.wants(), Some(0));
        line.read(vec![event(1, "new"), event(2, "a"), event(3, "new")], ROOM);
        assert_eq!(rows(&mut line, SEND, |_| true), [1, 3], "what is under way is not sent twice");
    }

    #[test]
    fn what_did_not_land_is_read_again_and_what_landed_is_not() {
        let mut line = line(&[(1, "a"), (3, "a"), (5, "a")]);
        assert_eq!(rows(&mut line, SEND, |_| true), [1, 3, 5]);
        line.landed(1);
        line.lose_flight();
        assert_eq!(line.wants(), Some(2));
        line.read_to = 0;
        line.read(vec![event(1, "a"), event(3, "a"), event(5, "a")], ROOM);
        assert_eq!(rows(&mut line, SEND, |_| true), [3, 5]);
        assert!(!line.is_settled());
        line.landed(3);
        line.landed(5);
        line.marked(&[1, 3, 5]);
        assert!(line.is_settled() && line.is_lost());
    }

    #[test]
    fn rows_of_another_outbox_are_other_events() {
        let mut line = line(&[(1, "a"), (3, "a")]);
        assert_eq!(rows(&mut line, SEND, |_| true), [1, 3]);
        line.landed(1);
        line.read(vec![Waiting { outbox: Arc::from("second"), ..event(1, "a") }], ROOM);
        assert_eq!(rows(&mut line, SEND, |_| true), [1]);
    }

    #[test]
    fn the_earliest_moment_counts_of_those_that_wait() {
        let mut line = line(&[(1, "a"), (3, "b")]);
        let now = Instant::now();
        let wait = |event: &Waiting| Verdict::Wait(now + std::time::Duration::from_secs(u64::from(event.row == 1) + 1));
        assert_eq!(line.next(wait, |_| true), (None, Some(now + std::time::Duration::from_secs(1))));
    }
}
