//! The camera's clock, and times as cameras write them. Pure.
//!
//! Logins carry a time that the camera compares with its own clock, which is often wrong by hours and sometimes by years.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use roxmltree::Node;

use super::xml;

/// How far the camera's clock is ahead of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Clock {
    ahead: SignedDuration,
}

impl Clock {
    /// From the answer to `GetSystemDateAndTime`; ours, when the camera does not say its own.
    pub(super) fn of(answer: Node<'_, '_>, now: Timestamp) -> Self {
        let told = xml::find(answer, "UTCDateTime").and_then(written_out);
        Self { ahead: told.map_or(SignedDuration::ZERO, |told| told.duration_since(now)) }
    }

    /// The camera's time at this moment, as logins and absolute terms carry it: whole seconds and `Z`, since other forms of UTC are
    /// refused by some.
    pub(super) fn written(self, now: Timestamp) -> String {
        let there = now.checked_add(self.ahead).unwrap_or(now);
        Timestamp::from_second(there.as_second()).unwrap_or(now).to_string()
    }

    /// Our time of a moment that the camera names, if that can be true: not in the future, and not older than `oldest`. A camera whose
    /// clock was set since we looked at it, or that writes nonsense, counts as not having said anything.
    pub(crate) fn ours(self, told: Timestamp, now: Timestamp, oldest: SignedDuration) -> Option<Timestamp> {
        let ours = told.checked_sub(self.ahead).ok()?;
        let age = now.duration_since(ours);
        // The offset is known to a second or two.
        if age < SignedDuration::from_secs(-5) || age > oldest { None } else { Some(ours.min(now)) }
    }
}

/// `<Date><Year>…` and `<Time><Hour>…`.
fn written_out(told: Node<'_, '_>) -> Option<Timestamp> {
    let number = |name| xml::text_of(told, name)?.parse::<i32>().ok();
    civil(
        [number("Year")?, number("Month")?, number("Day")?],
        [number("Hour")?, number("Minute")?, number("Second").unwrap_or(0)],
    )
}

/// A moment as cameras write it: `2026-11-25T20:14:03Z`, with a blank for the `T`, with a fraction, without a zone (then it is UTC),
/// with minutes above 59. `None` for what is no time at all.
pub(super) fn lenient(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (date, rest) = text.split_at_checked(10)?;
    let mut date = date.split('-').map(|part| part.parse::<i32>().ok());
    let date = [date.next()??, date.next()??, date.next()??];
    let rest = rest.trim_start_matches(['T', 't', ' ']);
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(zone_at);
    let mut time = time.split(':').map(|part| part.split('.').next()?.parse::<i32>().ok());
    let time = [time.next()??, time.next()??, time.next().flatten().unwrap_or(0)];
    let ahead = offset(zone)?;
    civil(date, time)?.checked_sub(SignedDuration::from_secs(ahead.into())).ok()
}

/// Seconds ahead of UTC of `Z`, `+01:00`, `-0500` or nothing.
fn offset(zone: &str) -> Option<i32> {
    let Some(sign) = zone.chars().next().filter(|c| matches!(c, '+' | '-')) else { return Some(0) };
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let minutes = match digits.len() {
        2 => digits.parse::<i32>().ok()? * 60,
        4 => digits[..2].parse::<i32>().ok()? * 60 + digits[2..].parse::<i32>().ok()?,
        _ => return None,
    };
    let seconds = if sign == '-' { -minutes * 60 } else { minutes * 60 };
    Offset::from_seconds(seconds).ok().map(Offset::seconds)
}

fn civil([year, month, day]: [i32; 3], [hour, minute, second]: [i32; 3]) -> Option<Timestamp> {
    let small = |number: i32| i8::try_from(number).ok();
    let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    let midnight = DateTime::from_parts(date, Time::midnight()).to_zoned(TimeZone::UTC).ok()?.timestamp();
    let fits = |number: i32, most: i32| (0..=most).contains(&number);
    // A minute of 61 was seen: it carries over.
    if !fits(hour, 24) || !fits(minute, 99) || !fits(second, 99) {
        return None;
    }
    midnight.checked_add(SignedDuration::from_secs(i64::from(hour * 3_600 + minute * 60 + second))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_cameras_write_them() {
        for (text, read) in [
            ("2026-11-25T20:14:03Z", Some("2026-11-25T20:14:03Z")),
            ("2026-11-25T20:14:03.123Z", Some("2026-11-25T20:14:03Z")),
            ("2026-11-25 20:14:03", Some("2026-11-25T20:14:03Z")),
            ("2026-11-25T20:14:03", Some("2026-11-25T20:14:03Z")),
            ("2026-11-25T20:14:03+01:00", Some("2026-11-25T19:14:03Z")),
            ("2026-11-25T20:14:03-0530", Some("2026-11-26T01:44:03Z")),
            ("2024-08-17T00:61:16Z", Some("2024-08-17T01:01:16Z")),
            ("0000-00-00T00:00:00Z", None),
            ("2010-01-01-00:00", None),
            ("yesterday", None),
            ("ä026-11-25T20:14:03Z", None),
            ("", None),
        ] {
            assert_eq!(lenient(text).map(|time| time.to_string()).as_deref(), read, "{text}");
        }
    }

    #[test]
    fn a_camera_that_is_a_year_ahead_is_spoken_to_in_its_own_time() {
        let now: Timestamp = "2026-11-25T20:00:00Z".parse().unwrap();
        let answer = "<a><UTCDateTime><Time><Hour>8</Hour><Minute>30</Minute><Second>5</Second></Time>\
            <Date><Year>2027</Year><Month>11</Month><Day>25</Day></Date></UTCDateTime></a>";
        let document = xml::parse(answer).unwrap();
        let clock = Clock::of(document.root_element(), now);
        assert_eq!(clock.written(now), "2027-11-25T08:30:05Z");
        let told = lenient("2027-11-25T08:30:03Z").unwrap();
        let hour = SignedDuration::from_hours(1);
        assert_eq!(clock.ours(told, now, hour).unwrap().to_string(), "2026-11-25T19:59:58Z");
        assert_eq!(Clock::default().ours(told, now, hour), None, "its clock was set since");
        assert_eq!(clock.ours(now, now, hour), None, "it would be a year old");
    }
}
