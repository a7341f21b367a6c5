//! What the outbox goes by.

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::options::EventOptions;

/// How much may wait for the broker. More is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Events.
    pub events: u64,
    /// Bytes of bodies and pictures.
    pub bytes: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self { events: 100_000, bytes: 256 * 1_024 * 1_024 }
    }
}

/// What the outbox goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long after an event its camera is active.
    pub activity: SignedDuration,
    /// How long events are kept. What counts for this week is kept in any case.
    pub keep: SignedDuration,
    /// How much may wait.
    pub caps: Caps,
    /// Where midnight is looked up.
    pub zone: TimeZone,
}

impl Settings {
    /// The settings for these options.
    #[must_use]
    pub fn new(options: &EventOptions, zone: TimeZone) -> Self {
        Self {
            activity: SignedDuration::try_from(options.activity).unwrap_or(SignedDuration::MAX),
            keep: SignedDuration::from_hours(24 * i64::from(options.keep_days)),
            caps: Caps::default(),
            zone,
        }
    }
}
