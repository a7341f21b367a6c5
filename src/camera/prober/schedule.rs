//! Which camera is probed when. Pure: time is an argument.
//!
//! In: the inventory, requests, and the ends of probes. Out: the next camera to probe. Invariant: never two probes of one
//! camera at a time, and never more than [`AT_ONCE`] altogether.
//!
//! A camera is probed at once when it is new or its options have changed, and then once per interval, at a phase that
//! its id decides, so that many cameras spread evenly. After a failure the next probe comes soon, twice: the second
//! failure confirms the first, and a third is needed when all cameras fail together (see [`crate::camera::status`]).

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use super::ProbeRequest;
use crate::camera::{Camera, CameraId, Inventory};

/// Probes at a time. A dead camera holds its place for up to 13 s, so fewer would make healthy ones wait; more would
/// crowd the network of a small home.
pub(super) const AT_ONCE: usize = 8;

/// The longest pause between a failed probe and the one that confirms it.
const CONFIRM_AFTER: Duration = Duration::from_secs(3);

/// The least time from one probe to another that somebody asks for: a neighbour's flood of commands must drain no battery.
const ASKED_EVERY: Duration = Duration::from_secs(5);
/// The same while the camera refuses the password: cameras lock out who tries too often.
const REFUSED_EVERY: Duration = Duration::from_secs(60);

/// How many failures in a row are followed by a probe out of turn.
const CONFIRMATIONS: u32 = 2;

/// When each camera is due, and which are being probed.
#[derive(Debug)]
pub(super) struct Schedule {
    /// Phases count from here.
    origin: Instant,
    entries: BTreeMap<CameraId, Entry>,
    /// Kept apart from the entries: a camera that was removed may still be under way when it comes back.
    running: BTreeMap<CameraId, Ticket>,
    last_ticket: Ticket,
}

/// Tells one probe from every other.
pub(super) type Ticket = u64;

#[derive(Debug)]
struct Entry {
    camera: Camera,
    due: Instant,
    /// Failed probes since the last good one.
    failures: u32,
    /// The probe whose report counts; one that was started with older options does not.
    current: Option<Ticket>,
    started: Instant,
    /// Not probed yet, or the last probe was refused.
    probed: bool,
    refused: bool,
}

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It saw a picture.
    Good,
    /// It saw none.
    Failed,
    /// The camera refuses the user name or the password.
    Refused,
}

impl Schedule {
    pub(super) fn new(now: Instant) -> Self {
        Self { origin: now, entries: BTreeMap::new(), running: BTreeMap::new(), last_ticket: 0 }
    }

    /// Takes over a new inventory: what is new or changed is due at once, what is gone is forgotten.
    pub(super) fn set_inventory(&mut self, inventory: &Inventory, now: Instant) {
        let mut before = std::mem::take(&mut self.entries);
        for camera in inventory.iter().filter(|camera| !camera.is_push_only()) {
            let entry = before.remove(&camera.id).filter(|entry| entry.camera == *camera).unwrap_or_else(|| Entry {
                camera: camera.clone(),
                due: now,
                failures: 0,
                current: None,
                started: now,
                probed: false,
                refused: false,
            });
            self.entries.insert(camera.id.clone(), entry);
        }
    }

    /// Makes cameras due now, or as soon as they may be asked again. One that is being probed is left alone: its answer is as fresh
    /// as can be.
    pub(super) fn request(&mut self, request: &ProbeRequest, now: Instant) {
        for entry in self.entries.values_mut().filter(|entry| entry.current.is_none()) {
            let meant = match request {
                ProbeRequest::One(id) => entry.camera.id == *id,
                ProbeRequest::All => true,
            };
            if meant {
                let pause = if entry.refused { REFUSED_EVERY } else { ASKED_EVERY };
                let free_at = if entry.probed { (entry.started + pause).max(now) } else { now };
                entry.due = entry.due.min(free_at);
            }
        }
    }

    /// Starts the probe that has been due for longest, if one is due and there is room.
    pub(super) fn start_next(&mut self, now: Instant) -> Option<(Camera, Ticket)> {
        if self.running.len() >= AT_ONCE {
            return None;
        }
        let entry =
            waiting(&mut self.entries, &self.running).filter(|entry| entry.due <= now).min_by_key(|entry| entry.due)?;
        self.last_ticket += 1;
        entry.current = Some(self.last_ticket);
        entry.started = now;
        self.running.insert(entry.camera.id.clone(), self.last_ticket);
        Some((entry.camera.clone(), self.last_ticket))
    }

    /// When to call [`Self::start_next`] again, if not at the end of a probe.
    pub(super) fn next_due(&mut self) -> Option<Instant> {
        if self.running.len() >= AT_ONCE {
            return None;
        }
        waiting(&mut self.entries, &self.running).map(|entry| entry.due).min()
    }

    /// Probes whose reports nobody wants any more: their cameras are gone or have new options.
    pub(super) fn outdated(&self) -> impl Iterator<Item = Ticket> {
        self.running
            .iter()
            .filter(|(id, ticket)| self.entries.get(*id).is_none_or(|entry| entry.current != Some(**ticket)))
            .map(|(_, ticket)| *ticket)
    }

    /// Takes note of the end of a probe. `true` when its report counts.
    pub(super) fn ended(&mut self, id: &CameraId, ticket: Ticket, end: End, now: Instant) -> bool {
        if self.running.get(id) == Some(&ticket) {
            self.running.remove(id);
        }
        let origin = self.origin;
        let Some(entry) = self.entries.get_mut(id).filter(|entry| entry.current == Some(ticket)) else {
            return false;
        };
        entry.current = None;
        (entry.probed, entry.refused) = (true, end == End::Refused);
        entry.failures = if end == End::Good { 0 } else { entry.failures.saturating_add(1) };
        entry.due = if (1..=CONFIRMATIONS).contains(&entry.failures) {
            now + CONFIRM_AFTER.min(entry.camera.check_every / 5)
        } else {
            entry.next_turn(origin, now)
        };
        true
    }
}

fn waiting<'a>(
    entries: &'a mut BTreeMap<CameraId, Entry>,
    running: &BTreeMap<CameraId, Ticket>,
) -> impl Iterator<Item = &'a mut Entry> {
    entries.values_mut().filter(|entry| !running.contains_key(&entry.camera.id))
}

impl Entry {
    /// The first moment of this camera's phase that is not upon us, and not within half an interval of the last start.
    fn next_turn(&self, origin: Instant, now: Instant) -> Instant {
        let every = self.camera.check_every;
        let earliest = now.max(self.started + every / 2);
        let phase = origin + phase(&self.camera.id, every);
        let turns = earliest.saturating_duration_since(phase).as_nanos() / every.as_nanos().max(1) + 1;
        if earliest < phase { phase } else { phase + every * u32::try_from(turns).unwrap_or(u32::MAX) }
    }
}

/// Where in its interval a camera has its turn. Not random: the same homes keep the same rhythm.
fn phase(id: &CameraId, every: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    every.mul_f64((hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests;
