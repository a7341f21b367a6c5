//! What a day of a camera was, from the rows that were kept. Pure: the time is an argument.
//!
//! Nothing is written while nothing happens, so nobody can say how long a program lived that was killed. It surely lived at its last
//! written word: a change of any camera, or an accepted event. From then to the next start the truth is not known, and the strips say
//! so, also where the camera most likely went on as before. A program that was stopped in order has written when.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Stretch, Timelines};
use crate::camera::{CameraId, CameraState, Reason, Status};
use crate::store::timeline::{Kept, Mark, PROGRAM};

/// What is kept.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Stretches of one camera. A day with more changes loses its beginning.
pub(super) const MOST: usize = 500;

/// In the rows about the program.
const STARTED: &str = "started";
const STOPPED: &str = "stopped";

/// The day of every camera.
#[derive(Debug, Default)]
pub(super) struct Strips(BTreeMap<CameraId, Vec<Stretch>>);

/// What ended or began a run of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    Started,
    Stopped,
}

impl Strips {
    /// The strips of these cameras, from what was kept. The program started just now.
    pub(super) fn restore(cameras: impl Iterator<Item = CameraId>, kept: &Kept, now: Timestamp) -> Self {
        let marks: Vec<(&str, Timestamp, &Mark)> = kept
            .marks
            .iter()
            .filter_map(|mark| Some((mark.camera.as_str(), time(mark.at)?, mark)))
            // The clock was ahead once.
            .filter(|(_, at, _)| *at <= now)
            .collect();
        let gaps = gaps(&marks, kept.last_event.and_then(time), now);
        let mut known: BTreeMap<&str, Vec<Stretch>> = BTreeMap::new();
        for (camera, at, mark) in &marks {
            known.entry(*camera).or_default().extend(stretch(*at, mark));
        }
        let strip = |camera: CameraId| {
            let mut day = known.remove(camera.as_str()).unwrap_or_default();
            day.extend(gaps.iter().map(|from| Stretch::unknown(*from)));
            // At one moment the gap comes last, and so it counts.
            day.sort_by_key(|stretch| stretch.from);
            let mut strip = Vec::new();
            for stretch in day {
                push(&mut strip, stretch);
            }
            if strip.is_empty() {
                strip.push(Stretch::unknown(now));
            }
            trim(&mut strip, now);
            (camera, strip)
        };
        Self(cameras.map(strip).collect())
    }

    /// Takes over these cameras; the others are forgotten.
    pub(super) fn set_cameras(&mut self, cameras: impl Iterator<Item = CameraId>, now: Timestamp) {
        let mut before = std::mem::take(&mut self.0);
        let mut strip = |camera: &CameraId| before.remove(camera).unwrap_or_else(|| vec![Stretch::unknown(now)]);
        self.0 = cameras.map(|camera| (camera.clone(), strip(&camera))).collect();
    }

    /// A camera's state as it is now; what is to be written, if its status is another one.
    pub(super) fn see(&mut self, camera: &CameraId, state: &CameraState, now: Timestamp) -> Option<Mark> {
        let strip = self.0.get_mut(camera)?;
        if strip.last().is_some_and(|last| last.status == state.status) {
            return None;
        }
        push(strip, Stretch { from: state.since, status: state.status, reason: state.reason });
        trim(strip, now);
        Some(Mark {
            camera: camera.as_str().to_owned(),
            at: state.since.as_millisecond(),
            status: state.status.as_str().to_owned(),
            reason: state.reason.map(|reason| reason.as_str().to_owned()),
        })
    }

    /// One camera's strip, for others.
    pub(super) fn of(&self, camera: &CameraId) -> Option<Arc<[Stretch]>> {
        self.0.get(camera).map(|strip| Arc::from(strip.as_slice()))
    }

    /// All strips, for others.
    pub(super) fn all(&self) -> Timelines {
        self.0.iter().map(|(camera, strip)| (camera.clone(), Arc::from(strip.as_slice()))).collect()
    }
}

/// The row that says that the program started or stopped.
pub(super) fn run_mark(run: Run, now: Timestamp) -> Mark {
    let status = match run {
        Run::Started => STARTED,
        Run::Stopped => STOPPED,
    };
    Mark { camera: PROGRAM.to_owned(), at: now.as_millisecond(), status: status.to_owned(), reason: None }
}

/// What ended before this is of no use any more.
pub(super) fn horizon(now: Timestamp) -> Timestamp {
    now.checked_sub(DAY).unwrap_or(Timestamp::MIN)
}

/// The moments from which on nobody knows anything, up to the start that followed.
fn gaps(marks: &[(&str, Timestamp, &Mark)], last_event: Option<Timestamp>, now: Timestamp) -> Vec<Timestamp> {
    let runs = marks.iter().filter(|(camera, _, _)| *camera == PROGRAM);
    let starts = runs.filter(|(_, _, mark)| mark.status == STARTED).map(|(_, at, _)| *at).chain([now]);
    let signs = |before: Timestamp| {
        let written = marks.iter().map(|(_, at, _)| *at).chain(last_event);
        // The first start of all has nothing before it.
        written.filter(move |at| *at < before).max()
    };
    starts.filter_map(signs).collect()
}

fn stretch(from: Timestamp, mark: &Mark) -> Option<Stretch> {
    let reason = mark.reason.as_deref().and_then(Reason::from_text);
    Some(Stretch { from, status: Status::from_text(&mark.status)?, reason })
}

/// What begins at or after the new one is gone: somebody has set the clock back.
fn push(strip: &mut Vec<Stretch>, stretch: Stretch) {
    while strip.last().is_some_and(|last| last.from >= stretch.from) {
        strip.pop();
    }
    if strip.last().is_none_or(|last| last.status != stretch.status) {
        strip.push(stretch);
    }
}

/// The stretch in which the day began stays.
fn trim(strip: &mut Vec<Stretch>, now: Timestamp) {
    let begins = strip.iter().rposition(|stretch| stretch.from <= horizon(now)).unwrap_or(0);
    strip.drain(..begins.max(strip.len().saturating_sub(MOST)));
}

fn time(milliseconds: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(milliseconds).ok()
}

#[cfg(test)]
mod tests;
