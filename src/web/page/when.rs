//! Moments as the page shows them: exact for machines, local for people; the script turns them into "3 min ago".

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A moment, ready for `<time>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct When {
    /// RFC 3339, for the `datetime` attribute.
    pub(super) exact: String,
    /// Local time, for people without the script.
    pub(super) local: String,
}

impl When {
    pub(super) fn new(at: Timestamp) -> Self {
        // Finer than a second only makes two equal moments look different.
        let exact = Timestamp::from_second(at.as_second()).unwrap_or(at);
        Self { exact: exact.to_string(), local: at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_exact_to_the_second() {
        let when = When::new("2026-11-24T14:02:03.456789Z".parse().unwrap());
        assert_eq!(when.exact, "2026-11-24T14:02:03Z");
        assert_eq!(when.local.len(), "2026-11-24 14:02".len());
    }
}
