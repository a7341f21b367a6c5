//! The last 24 hours of one camera as a row of bars. Pure: time is an argument.
//!
//! A slot shows the worst that happened in it, so that an outage of seconds is seen too. Height tells what colour tells.

use jiff::{SignedDuration, Timestamp};

use super::language::Language;
use super::words::fill;
use crate::camera::{Status, Stretch};

/// Slots of a day: one every ten minutes.
const SLOTS: usize = 144;
/// The length of a slot in seconds.
const SLOT: i64 = 600;

/// A run of equal slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    /// The first slot.
    pub(super) x: usize,
    /// How many.
    pub(super) width: usize,
    /// From above, of 10.
    pub(super) y: u8,
    /// Of 10.
    pub(super) height: u8,
    /// The status, as its class.
    pub(super) class: &'static str,
}

/// What the strip shows, in pictures and in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Strip {
    pub(super) bars: Vec<Bar>,
    /// The same for those who do not see it.
    pub(super) words: String,
}

impl Strip {
    pub(super) fn new(stretches: &[Stretch], now: Timestamp, language: Language) -> Self {
        Self { bars: bars(&slots(stretches, now)), words: words(stretches, now, language) }
    }

    /// When the strip looks different although nothing has happened: how long until the next slot begins.
    pub(super) fn moves_in(now: Timestamp) -> SignedDuration {
        SignedDuration::from_secs(SLOT - now.as_second().rem_euclid(SLOT))
    }
}

/// The end of the slot that `now` is in. Whole slots of the clock, so that a strip stands still between two of them.
fn end(now: Timestamp) -> Timestamp {
    now.checked_add(Strip::moves_in(now)).unwrap_or(Timestamp::MAX)
}

/// Each stretch within the day: its begin and end in seconds since the day's first slot.
fn within_day(stretches: &[Stretch], now: Timestamp) -> impl Iterator<Item = (i64, i64, Status)> {
    let begin = end(now).as_second() - SLOT * i64::try_from(SLOTS).unwrap_or(i64::MAX);
    // The second that has begun counts: a slot that has just begun is not empty.
    let now = now.as_second() + 1 - begin;
    stretches.iter().enumerate().filter_map(move |(index, stretch)| {
        let from = (stretch.from.as_second() - begin).max(0);
        let until = stretches.get(index + 1).map_or(now, |next| next.from.as_second() - begin).min(now);
        (until >= from && until >= 0).then_some((from, until, stretch.status))
    })
}

fn slots(stretches: &[Stretch], now: Timestamp) -> [Status; SLOTS] {
    let mut slots = [Status::Unknown; SLOTS];
    for (from, until, status) in within_day(stretches, now) {
        let first = usize::try_from(from / SLOT).unwrap_or(0).min(SLOTS - 1);
        let last = usize::try_from((until - 1).max(from) / SLOT).unwrap_or(0).min(SLOTS - 1);
        for slot in &mut slots[first..=last] {
            *slot = worse(*slot, status);
        }
    }
    slots
}

fn worse(one: Status, other: Status) -> Status {
    let badness = |status| match status {
        Status::Unknown => 0,
        Status::Online => 1,
        Status::Frozen => 2,
        Status::NoVideo => 3,
        Status::Unauthorized => 4,
        Status::Offline => 5,
    };
    if badness(other) > badness(one) { other } else { one }
}

fn bars(slots: &[Status; SLOTS]) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for (x, status) in slots.iter().enumerate() {
        let (class, height) = look(*status);
        match bars.last_mut() {
            Some(bar) if bar.class == class => bar.width += 1,
            _ => bars.push(Bar { x, width: 1, y: 10 - height, height, class }),
        }
    }
    bars
}

/// The more there is to see, the higher.
fn look(status: Status) -> (&'static str, u8) {
    match status {
        Status::Online => ("online", 10),
        Status::Frozen => ("frozen", 7),
        Status::NoVideo => ("no_video", 5),
        Status::Unauthorized => ("unauthorized", 5),
        Status::Offline => ("offline", 3),
        Status::Unknown => ("unknown", 1),
    }
}

fn words(stretches: &[Stretch], now: Timestamp, language: Language) -> String {
    let words = language.words();
    let (mut known, mut online, mut interruptions) = (0, 0, 0);
    for (from, until, status) in within_day(stretches, now) {
        known += if status == Status::Unknown { 0 } else { until - from };
        online += if status == Status::Online { until - from } else { 0 };
        interruptions += usize::from(!matches!(status, Status::Unknown | Status::Online));
    }
    if known == 0 {
        return format!("{}: {}", words.last_day, words.strip_empty);
    }
    // Rounded down: 100 % is only said when it is.
    let share = fill(words.strip_online, &[&(online * 100 / known)]);
    let interruptions = fill((words.strip_interruptions)(interruptions), &[&interruptions]);
    format!("{}: {share}, {interruptions}", words.last_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-24T{text}Z").parse().unwrap()
    }

    fn stretch(from: &str, status: Status) -> Stretch {
        Stretch { from: from.parse().unwrap_or_else(|_| at(from)), status, reason: None }
    }

    fn total(strip: &Strip) -> usize {
        strip.bars.iter().map(|bar| bar.width).sum()
    }

    #[test]
    fn a_day_without_news_is_one_bar() {
        let strip = Strip::new(&[stretch("2026-11-20T00:00:00Z", Status::Online)], at("12:00:00"), Language::English);
        assert_eq!(strip.bars, [Bar { x: 0, width: SLOTS, y: 0, height: 10, class: "online" }]);
        assert_eq!(strip.words, "Last 24 hours: online 100 % of the time that is known, no interruption");
    }

    #[test]
    fn an_outage_of_seconds_is_seen() {
        let stretches = [
            stretch("2026-11-20T00:00:00Z", Status::Online),
            stretch("11:05:00", Status::Offline),
            stretch("11:05:04", Status::Online),
        ];
        let strip = Strip::new(&stretches, at("12:00:00"), Language::German);
        let outage: Vec<_> = strip.bars.iter().filter(|bar| bar.class == "offline").collect();
        assert_eq!(outage.len(), 1, "{strip:?}");
        assert_eq!((outage[0].width, outage[0].height), (1, 3));
        assert_eq!(strip.words, "Letzte 24 Stunden: 99 % der bekannten Zeit online, 1 Unterbrechung");
        assert_eq!(total(&strip), SLOTS);
    }

    #[test]
    fn what_is_not_known_is_not_claimed() {
        let strip = Strip::new(&[], at("12:00:00"), Language::English);
        assert_eq!(strip.bars, [Bar { x: 0, width: SLOTS, y: 9, height: 1, class: "unknown" }]);
        assert_eq!(strip.words, "Last 24 hours: nothing known yet");
        let new = Strip::new(&[stretch("11:59:00", Status::Online)], at("12:00:00"), Language::English);
        assert_eq!(new.bars.last().map(|bar| (bar.x, bar.width)), Some((142, 2)), "{new:?}");
    }

    #[test]
    fn stretches_of_yesterday_and_of_a_clock_that_was_ahead_do_no_harm() {
        let stretches = [
            stretch("2026-11-01T00:00:00Z", Status::Offline),
            stretch("2026-11-02T00:00:00Z", Status::Online),
            stretch("2026-12-24T00:00:00Z", Status::Frozen),
        ];
        let strip = Strip::new(&stretches, at("12:00:00"), Language::English);
        assert_eq!(total(&strip), SLOTS);
        assert!(strip.bars.iter().all(|bar| bar.class == "online" || bar.class == "unknown"), "{strip:?}");
        for end in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(total(&Strip::new(&stretches, end, Language::English)), SLOTS);
        }
    }

    #[test]
    fn it_stands_still_between_two_slots() {
        let stretches = [stretch("11:05:00", Status::Online)];
        let bars = |now| Strip::new(&stretches, at(now), Language::English).bars;
        assert_eq!(bars("11:51:00"), bars("11:59:59"));
        assert_ne!(bars("11:59:59"), bars("12:00:00"));
        assert_eq!(Strip::moves_in(at("11:59:59")), SignedDuration::from_secs(1));
        assert_eq!(Strip::moves_in(at("12:00:00")), SignedDuration::from_secs(600));
    }
}
