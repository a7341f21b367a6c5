//! Whether an event may go now. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::age::Age;
use crate::camera::{CameraId, Inventory};
use crate::events::outbox::Waiting;
use crate::homeassistant::Presence;

/// Home Assistant tries its broker again every ten seconds, and says that it is there some five seconds later. An event that
/// comes back to the broker before does not fire.
const HOME_ASSISTANT_RETURNS: Duration = Duration::from_secs(17);

/// What is to happen to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes out; while it is fresh it also sets something off.
    Send { fires: bool },
    /// It is to set something off, and Home Assistant is perhaps not back before that moment.
    Wait(Instant),
    /// Its camera has no topics: it is about to be announced, or its user deleted the device. Others' events go on.
    HoldBack,
    /// Its camera was taken out of the options.
    Drop,
}

/// What is known when an event is judged.
pub(super) struct Gate {
    pub(super) inventory: Inventory,
    /// The cameras that Home Assistant knows in this epoch.
    pub(super) announced: Arc<BTreeSet<CameraId>>,
    pub(super) presence: Presence,
    /// See [`fires_from`].
    pub(super) fires_from: Instant,
    /// An older event does not set off anything.
    pub(super) stale_after: SignedDuration,
    pub(super) now: Instant,
    pub(super) time: Timestamp,
    /// Looked at now.
    pub(super) age: Age,
}

/// From when on Home Assistant is taken to listen after the first announcement of an epoch: after a lost link that comes before Home
/// Assistant is back.
pub(super) fn fires_from(epoch: u64, now: Instant) -> Instant {
    if epoch > 1 { now + HOME_ASSISTANT_RETURNS } else { now }
}

impl Gate {
    pub(super) fn judge(&self, event: &Waiting) -> Verdict {
        if self.inventory.get(&event.camera).is_none() {
            return Verdict::Drop;
        }
        if !self.announced.contains(&event.camera) {
            return Verdict::HoldBack;
        }
        let fires = self.age.time_for(event.received).duration_since(event.timestamp) <= self.stale_after;
        match self.listens_from() {
            Some(until) if fires => Verdict::Wait(until),
            _ => Verdict::Send { fires },
        }
    }

    /// Until when Home Assistant is waited for; `None` when it is taken to listen. One that has gone is not waited for any longer than
    /// an event may set something off: who left for good must not hold up others who read the events.
    fn listens_from(&self) -> Option<Instant> {
        let patience = match self.presence {
            Presence::Gone { since } => self.stale_after.saturating_sub(self.time.duration_since(since)),
            Presence::Unknown | Presence::Here { .. } => SignedDuration::ZERO,
        };
        let returns = self.now.checked_add(Duration::try_from(patience).unwrap_or_default()).unwrap_or(self.now);
        let until = self.fires_from.max(returns);
        (self.now < until).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::homeassistant::Sign;

    fn id(name: &str) -> CameraId {
        CameraId::new(name).unwrap()
    }

    fn event(camera: &str, second: i64) -> Waiting {
        let timestamp = Timestamp::from_second(second).unwrap();
        Waiting {
            outbox: Arc::from("o"),
            row: 1,
            camera: id(camera),
            event_id: "e".to_owned(),
            timestamp,
            received: timestamp,
            kind: "motion",
            body: Arc::from("{}"),
            picture: None,
        }
    }

    fn judge(camera: &str, age: i64, change: impl Fn(&mut Gate)) -> Verdict {
        let inventory = Inventory::new(["front", "new"].map(crate::camera::push_only));
        let announced = BTreeSet::from([id("front"), id("gone")]);
        let now = Instant::now() + Duration::from_secs(3_600);
        let time = Timestamp::from_second(1_000).unwrap();
        let mut gate = Gate {
            inventory,
            announced: Arc::new(announced),
            presence: Presence::Unknown,
            fires_from: now,
            stale_after: SignedDuration::from_secs(120),
            now,
            time,
            age: Age::new(time, now),
        };
        change(&mut gate);
        gate.judge(&event(camera, 1_000 - age))
    }

    #[tokio::test(start_paused = true)]
    async fn a_fresh_event_fires_and_a_stale_one_does_not() {
        assert_eq!(judge("front", 120, |_| {}), Verdict::Send { fires: true });
        assert_eq!(judge("front", 121, |_| {}), Verdict::Send { fires: false });
        assert_eq!(judge("front", -3_600, |_| {}), Verdict::Send { fires: true }, "a sender's clock may be ahead");
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_waited_while_the_clock_was_set_fires_while_it_is_fresh() {
        let set = |waited: u64| {
            move |gate: &mut Gate| {
                gate.time += SignedDuration::from_hours(24 * 365) + SignedDuration::from_secs(waited.cast_signed());
                gate.age.look(gate.time, gate.now + Duration::from_secs(waited));
            }
        };
        assert_eq!(judge("front", 0, set(120)), Verdict::Send { fires: true });
        assert_eq!(judge("front", 0, set(121)), Verdict::Send { fires: false });
    }

    #[tokio::test(start_paused = true)]
    async fn a_camera_without_topics_holds_back_its_own_events_only() {
        assert_eq!(judge("new", 0, |_| {}), Verdict::HoldBack);
        assert_eq!(judge("gone", 0, |_| {}), Verdict::Drop);
        assert_eq!(judge("never", 0, |_| {}), Verdict::Drop);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_to_fire_waits_until_home_assistant_is_back_and_the_rest_does_not() {
        let later = |gate: &mut Gate| gate.fires_from = gate.now + Duration::from_secs(17);
        assert!(matches!(judge("front", 0, later), Verdict::Wait(_)));
        assert_eq!(judge("front", 121, later), Verdict::Send { fires: false });
        let gone_for = |seconds: i64| {
            move |gate: &mut Gate| {
                gate.presence = Presence::Gone { since: Timestamp::from_second(1_000 - seconds).unwrap() }
            }
        };
        assert!(matches!(judge("front", 0, gone_for(119)), Verdict::Wait(_)));
        assert_eq!(judge("front", 0, gone_for(120)), Verdict::Send { fires: true });
        let here = |gate: &mut Gate| gate.presence = Presence::Here { since: Timestamp::UNIX_EPOCH, sign: Sign::Birth };
        assert_eq!(judge("front", 0, here), Verdict::Send { fires: true });
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_lost_link_makes_home_assistant_late() {
        let now = Instant::now();
        assert_eq!(fires_from(1, now), now);
        assert_eq!(fires_from(2, now), now + HOME_ASSISTANT_RETURNS);
    }
}
