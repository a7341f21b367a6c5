//! What the history says of one camera, kept up to date event by event. Pure: the time is an argument.
//!
//! An event counts from the moment when it happened, but never later than it came: a camera whose clock is ahead can
//! neither make an activity stick nor stay the last event for ever.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::body::snippet;
use super::{History, LastEvent, calendar};
use crate::events::door::{Event, EventKind};
use crate::store::reading;

/// Local time's borders around now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Borders {
    pub(super) day: Timestamp,
    pub(super) week: Timestamp,
    pub(super) next_day: Timestamp,
}

impl Borders {
    pub(super) fn around(now: Timestamp, zone: &TimeZone) -> Self {
        Self { day: calendar::day(now, zone), week: calendar::week(now, zone), next_day: calendar::next_day(now, zone) }
    }

    /// `false` when midnight has passed, or when somebody has set the clock back.
    pub(super) fn enclose(&self, now: Timestamp) -> bool {
        (self.day..self.next_day).contains(&now)
    }

    pub(super) fn as_stored(&self, now: Timestamp) -> reading::Borders {
        reading::Borders {
            now: now.as_millisecond(),
            day: self.day.as_millisecond(),
            week: self.week.as_millisecond(),
            next_day: self.next_day.as_millisecond(),
        }
    }
}

/// An event as the history sees it.
#[derive(Debug, Clone)]
pub(super) struct Happened {
    pub(super) at: Timestamp,
    pub(super) received: Timestamp,
    pub(super) last: Arc<LastEvent>,
    has_picture: bool,
}

impl Happened {
    pub(super) fn new(event: &Event) -> Self {
        // To the millisecond, as it is on disk: a restart must not change what Home Assistant was told.
        let at = time(event.timestamp.min(event.received).as_millisecond());
        let description = event.description.as_deref().map(snippet);
        let last = LastEvent {
            event_id: event.event_id.clone(),
            timestamp: at,
            description,
            kind: event.kind.as_str(),
            picture: None,
        };
        let received = time(event.received.as_millisecond());
        Self { at, received, last: Arc::new(last), has_picture: event.picture.is_some() }
    }

    /// Where it came to lie on disk.
    pub(super) fn in_row(&self, row: i64) -> Self {
        let mut happened = self.clone();
        if self.has_picture {
            Arc::make_mut(&mut happened.last).picture = Some(row);
        }
        happened
    }
}

/// One camera's history, and what is needed to go on with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Past {
    history: History,
    delivered_row: i64,
}

impl Past {
    /// From what the table says.
    pub(super) fn load(stored: reading::Past, activity: SignedDuration, borders: Borders, now: Timestamp) -> Self {
        let last = stored.last.map(|last| {
            Arc::new(LastEvent {
                description: description(&last.body),
                event_id: last.event_id,
                timestamp: time(last.happened),
                kind: kind(&last.kind),
                picture: last.has_picture.then_some(last.row),
            })
        });
        // The counts changed with the newest event, or with the midnight since.
        let counted_at = stored.counted.map(|counted| time(counted).max(borders.day));
        let (delivered_row, delivered) = stored.delivered.unzip();
        let mut past = Self {
            history: History {
                delivered: delivered.map(Arc::from),
                today: stored.today,
                this_week: stored.this_week,
                counted_at,
                active_until: None,
                last,
            },
            delivered_row: delivered_row.unwrap_or(0),
        };
        if let Some(last) = past.history.last.clone() {
            past.activate(last.timestamp, activity, now);
        }
        past
    }

    /// What the others may know.
    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// One more event.
    pub(super) fn add(&mut self, event: &Happened, activity: SignedDuration, borders: Borders, now: Timestamp) {
        let newest = |last: &LastEvent| last.timestamp <= event.at || last.timestamp > now;
        if self.history.last.as_deref().is_none_or(newest) {
            self.history.last = Some(event.last.clone());
        }
        if (borders.week..borders.next_day).contains(&event.at) {
            self.history.this_week += 1;
            self.history.today += u64::from(event.at >= borders.day);
            self.history.counted_at = Some(event.received.max(borders.day));
        }
        self.activate(event.at, activity, now);
    }

    /// The broker has this row.
    pub(super) fn delivered(&mut self, row: i64, body: &str) {
        if row > self.delivered_row {
            self.delivered_row = row;
            self.history.delivered = Some(Arc::from(body));
        }
    }

    /// An activity whose time is over ends; `true` if it did.
    pub(super) fn expire(&mut self, activity: SignedDuration, now: Timestamp) -> bool {
        // Beyond `now + activity` only after the clock was set back: nothing can be active for longer than that.
        let over = |until: Timestamp| until <= now || until.duration_since(now) > activity;
        if self.history.active_until.is_some_and(over) {
            self.history.active_until = None;
            return true;
        }
        false
    }

    fn activate(&mut self, at: Timestamp, activity: SignedDuration, now: Timestamp) {
        let until = at.checked_add(activity).unwrap_or(Timestamp::MAX);
        if at <= now && until > now {
            self.history.active_until = self.history.active_until.max(Some(until));
        }
    }
}

/// A time from the table.
pub(super) fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A kind from the table.
pub(super) fn kind(text: &str) -> &'static str {
    EventKind::from_text(text).unwrap_or(EventKind::Other).as_str()
}

fn description(body: &str) -> Option<String> {
    match serde_json::from_str::<Value>(body).ok()?.get("description")? {
        Value::String(description) => Some(snippet(description)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
