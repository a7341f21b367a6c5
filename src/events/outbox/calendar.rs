//! The borders of local days and weeks. Pure: the time and the zone are arguments.
//!
//! A day starts at its first moment, which is not always midnight; a week starts with its Monday.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// The first moment of the local day.
#[must_use]
pub(crate) fn day(now: Timestamp, zone: &TimeZone) -> Timestamp {
    start(zone.to_datetime(now).date(), zone).unwrap_or(now).min(now)
}

/// The first moment of the local week, which starts on Monday.
#[must_use]
pub(crate) fn week(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let today = zone.to_datetime(now).date();
    let monday = today.checked_sub(i32::from(today.weekday().to_monday_zero_offset()).days());
    monday.ok().and_then(|monday| start(monday, zone)).unwrap_or(now).min(now)
}

/// The first moment of the next local day: always after `now`.
#[must_use]
pub(crate) fn next_day(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let tomorrow = zone.to_datetime(now).date().tomorrow().ok();
    let next = tomorrow.and_then(|tomorrow| {
        // Where clocks went back over midnight, tomorrow starts twice, and the first time may be over.
        start(tomorrow, zone).filter(|first| *first > now).or_else(|| {
            zone.to_ambiguous_timestamp(tomorrow.at(0, 0, 0, 0)).later().ok().filter(|second| *second > now)
        })
    });
    next.unwrap_or(Timestamp::MAX)
}

/// The first moment of a date. Where midnight is skipped, that is the moment of the skip.
fn start(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    date.to_zoned(zone.clone()).and_then(|midnight| midnight.start_of_day()).ok().map(|start| start.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_and_weeks_start_where_the_clocks_on_the_wall_say() {
        for (name, now, day_start, week_start, next) in [
            // No DST. Thursday; Monday at midnight and just before; the years' border; leap days.
            ("UTC", "2026-11-26T12:00:00Z", "2026-11-26T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-27T00:00:00Z"),
            ("UTC", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"),
            ("UTC", "2026-11-22T23:59:59.999Z", "2026-11-22T00:00:00Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
            ("UTC", "2026-12-31T23:59:59Z", "2026-12-31T00:00:00Z", "2026-12-28T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("UTC", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-12-28T00:00:00Z", "2027-01-02T00:00:00Z"),
            ("UTC", "2028-02-28T10:00:00Z", "2028-02-28T00:00:00Z", "2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("UTC", "2028-02-29T10:00:00Z", "2028-02-29T00:00:00Z", "2028-02-28T00:00:00Z", "2028-03-01T00:00:00Z"),
            // Berlin: 23 hours on Sunday, 29 March 2026; 25 hours on Sunday, 25 October 2026.
            (
                "Europe/Berlin",
                "2026-03-29T12:00:00+02:00",
                "2026-03-29T00:00:00+01:00",
                "2026-03-23T00:00:00+01:00",
                "2026-03-30T00:00:00+02:00",
            ),
            (
                "Europe/Berlin",
                "2026-03-30T00:00:00+02:00",
                "2026-03-30T00:00:00+02:00",
                "2026-03-30T00:00:00+02:00",
                "2026-03-31T00:00:00+02:00",
            ),
            (
                "Europe/Berlin",
                "2026-10-25T02:30:00+01:00",
                "2026-10-25T00:00:00+02:00",
                "2026-10-19T00:00:00+02:00",
                "2026-10-26T00:00:00+01:00",
            ),
            (
                "Europe/Berlin",
                "2026-10-25T23:59:59+01:00",
                "2026-10-25T00:00:00+02:00",
                "2026-10-19T00:00:00+02:00",
                "2026-10-26T00:00:00+01:00",
            ),
            // Auckland is ahead of everybody: DST ends on 5 April 2026 and starts on 27 September 2026.
            (
                "Pacific/Auckland",
                "2026-04-05T12:00:00+12:00",
                "2026-04-05T00:00:00+13:00",
                "2026-03-30T00:00:00+13:00",
                "2026-04-06T00:00:00+12:00",
            ),
            (
                "Pacific/Auckland",
                "2026-09-27T12:00:00+13:00",
                "2026-09-27T00:00:00+12:00",
                "2026-09-21T00:00:00+12:00",
                "2026-09-28T00:00:00+13:00",
            ),
            (
                "Pacific/Auckland",
                "2025-12-31T11:00:00Z",
                "2025-12-31T11:00:00Z",
                "2025-12-28T11:00:00Z",
                "2026-01-01T11:00:00Z",
            ),
            // St John's is half an hour off. 8 March and 1 November 2026.
            (
                "America/St_Johns",
                "2026-03-08T12:00:00-02:30",
                "2026-03-08T00:00:00-03:30",
                "2026-03-02T00:00:00-03:30",
                "2026-03-09T00:00:00-02:30",
            ),
            (
                "America/St_Johns",
                "2026-11-01T12:00:00-03:30",
                "2026-11-01T00:00:00-02:30",
                "2026-10-26T00:00:00-02:30",
                "2026-11-02T00:00:00-03:30",
            ),
            // … and until 2011 its clocks went back at one minute past midnight: Sunday, Saturday again, Sunday again.
            (
                "America/St_Johns",
                "2010-11-07T00:00:30-02:30",
                "2010-11-07T00:00:00-02:30",
                "2010-11-01T00:00:00-02:30",
                "2010-11-08T00:00:00-03:30",
            ),
            (
                "America/St_Johns",
                "2010-11-06T23:30:00-03:30",
                "2010-11-06T00:00:00-02:30",
                "2010-11-01T00:00:00-02:30",
                "2010-11-07T00:00:00-03:30",
            ),
            (
                "America/St_Johns",
                "2010-11-07T12:00:00-03:30",
                "2010-11-07T00:00:00-02:30",
                "2010-11-01T00:00:00-02:30",
                "2010-11-08T00:00:00-03:30",
            ),
            // Midnight does not exist where DST starts with it.
            (
                "America/Sao_Paulo",
                "2018-11-04T12:00:00-02:00",
                "2018-11-04T01:00:00-02:00",
                "2018-10-29T00:00:00-03:00",
                "2018-11-05T00:00:00-02:00",
            ),
            (
                "America/Sao_Paulo",
                "2018-11-03T23:59:59-03:00",
                "2018-11-03T00:00:00-03:00",
                "2018-10-29T00:00:00-03:00",
                "2018-11-04T01:00:00-02:00",
            ),
            (
                "America/Sao_Paulo",
                "2018-02-17T23:30:00-03:00",
                "2018-02-17T00:00:00-02:00",
                "2018-02-12T00:00:00-02:00",
                "2018-02-18T00:00:00-03:00",
            ),
            (
                "Asia/Beirut",
                "2026-03-29T12:00:00+03:00",
                "2026-03-29T01:00:00+03:00",
                "2026-03-23T00:00:00+02:00",
                "2026-03-30T00:00:00+03:00",
            ),
            (
                "Asia/Beirut",
                "2026-10-24T23:30:00+02:00",
                "2026-10-24T00:00:00+03:00",
                "2026-10-19T00:00:00+03:00",
                "2026-10-25T00:00:00+02:00",
            ),
            // Samoa had no 30 December 2011.
            (
                "Pacific/Apia",
                "2011-12-29T12:00:00-10:00",
                "2011-12-29T00:00:00-10:00",
                "2011-12-26T00:00:00-10:00",
                "2011-12-31T00:00:00+14:00",
            ),
        ] {
            let (now, zone) = (time(now), zone(name));
            assert_eq!(day(now, &zone), time(day_start), "day in {name} at {now}");
            assert_eq!(week(now, &zone), time(week_start), "week in {name} at {now}");
            assert_eq!(next_day(now, &zone), time(next), "next day in {name} at {now}");
        }
    }

    #[test]
    fn the_ends_of_time_are_no_fault() {
        for zone in [zone("UTC"), zone("Pacific/Auckland"), zone("America/St_Johns")] {
            for now in [Timestamp::MIN, Timestamp::MAX] {
                assert!(week(now, &zone) <= day(now, &zone) && day(now, &zone) <= now);
                assert!(next_day(now, &zone) >= now);
            }
        }
    }

    proptest! {
        #[test]
        fn the_borders_enclose_now(
            second in 0_i64..4_102_444_800,
            name in prop::sample::select(vec![
                "UTC", "Pacific/Auckland", "America/St_Johns", "Europe/Berlin", "America/Sao_Paulo", "Asia/Beirut",
                "America/Havana", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu",
            ]),
        ) {
            let (now, zone) = (Timestamp::from_second(second).unwrap(), zone(name));
            let (week, day, next) = (week(now, &zone), day(now, &zone), next_day(now, &zone));
            prop_assert!(week <= day && day <= now && now < next);
            prop_assert!(next.as_second() - day.as_second() <= 50 * 3_600);
            prop_assert!(day.as_second() - week.as_second() <= 7 * 25 * 3_600);
        }
    }
}
