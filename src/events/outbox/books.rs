//! The histories of all cameras, and who is told about them.
//!
//! In: what was written. Out: the watch of [`Histories`]; nobody is woken unless something changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::Histories;
use super::history::{Borders, Happened, Past};
use crate::camera::CameraId;
use crate::store::reading;

/// What is known of each camera of the inventory.
pub(super) struct Books {
    pasts: BTreeMap<CameraId, Past>,
    changed: BTreeSet<CameraId>,
    borders: Borders,
    activity: SignedDuration,
    zone: TimeZone,
    histories: watch::Sender<Histories>,
}

impl Books {
    pub(super) fn new(activity: SignedDuration, zone: TimeZone, histories: watch::Sender<Histories>) -> Self {
        let borders = Borders::around(Timestamp::UNIX_EPOCH, &zone);
        Self { pasts: BTreeMap::new(), changed: BTreeSet::new(), borders, activity, zone, histories }
    }

    /// The counts belong to another day.
    pub(super) fn are_old(&self, now: Timestamp) -> bool {
        !self.borders.enclose(now)
    }

    /// Local time's borders around now.
    pub(super) fn borders(&self, now: Timestamp) -> Borders {
        Borders::around(now, &self.zone)
    }

    /// Takes over what the table says of exactly these cameras.
    pub(super) fn load(&mut self, stored: Vec<(CameraId, reading::Past)>, borders: Borders, now: Timestamp) {
        self.borders = borders;
        let load = |(camera, stored)| (camera, Past::load(stored, self.activity, borders, now));
        let gone = std::mem::replace(&mut self.pasts, stored.into_iter().map(load).collect());
        self.changed.extend(gone.into_keys().chain(self.pasts.keys().cloned()));
    }

    pub(super) fn add(&mut self, camera: &CameraId, event: &Happened, now: Timestamp) {
        if let Some(past) = self.pasts.get_mut(camera) {
            past.add(event, self.activity, self.borders, now);
            self.changed.insert(camera.clone());
        }
    }

    pub(super) fn delivered(&mut self, camera: &str, row: i64, body: &str) {
        let Ok(camera) = CameraId::new(camera) else { return };
        if let Some(past) = self.pasts.get_mut(&camera) {
            past.delivered(row, body);
            self.changed.insert(camera);
        }
    }

    /// Ends the activities whose time is over.
    pub(super) fn expire(&mut self, now: Timestamp) {
        for (camera, past) in &mut self.pasts {
            if past.expire(self.activity, now) {
                self.changed.insert(camera.clone());
            }
        }
    }

    /// When there is something to do without any event.
    pub(super) fn next_change(&self) -> Timestamp {
        let deadlines = self.pasts.values().filter_map(|past| past.history().active_until);
        deadlines.fold(self.borders.next_day, Timestamp::min)
    }

    /// Tells what has changed.
    pub(super) fn publish(&mut self) {
        let changed = std::mem::take(&mut self.changed);
        if changed.is_empty() {
            return;
        }
        self.histories.send_if_modified(|histories| {
            let mut news = false;
            for camera in changed {
                match self.pasts.get(&camera) {
                    Some(past) if histories.get(&camera) == Some(past.history()) => {}
                    Some(past) => {
                        histories.insert(camera, past.history().clone());
                        news = true;
                    }
                    None => news |= histories.remove(&camera).is_some(),
                }
            }
            news
        });
    }
}
