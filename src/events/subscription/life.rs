//! When to do what with the subscription at one device, and whether it is being heard. Pure; time and chance are arguments.
//!
//! In: how each step ended. Out: the next step, and the hearing. Invariant: a device that answers nothing is asked at most once in
//! [`LONGEST_WAIT`], after a first few seconds in which it may just be starting.

use std::time::{Duration, Instant};

use rand::Rng;

use crate::backoff::Backoff;
use crate::camera::onvif::{Kind, Trouble};
use crate::camera::{Failure, Hearing, Reason};

/// How long the camera is to keep the subscription: its place is free again soon after we are gone.
pub(super) const TERM: Duration = Duration::from_secs(600);
/// One pull waits this long for something to be told.
const PULL: Duration = Duration::from_secs(50);
/// From one empty or closed pull to the next.
const PAUSE: Duration = Duration::from_millis(750);
/// A camera that closes a pull after this has waited, and had nothing to tell.
const A_WAIT: Duration = Duration::from_secs(2);
/// Nothing was told for so long: the camera is asked to tell everything again.
const QUIET: Duration = Duration::from_secs(300);
/// By then a camera that was asked has told something.
const SYNC_PATIENCE: Duration = Duration::from_secs(30);
/// A subscription that ended before this was taken away.
const SHORT: Duration = Duration::from_secs(30);

const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Cameras lock users out after some wrong passwords.
const REFUSED_WAIT: Duration = Duration::from_secs(180);
/// Somebody may switch it on in the camera.
const NOT_OFFERED_WAIT: Duration = Duration::from_secs(600);

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Find the device, and have a subscription: the old one if there is one and it is not to be `fresh`, else a new one.
    Begin { fresh: bool },
    /// Wait for messages for so long.
    Pull(Duration),
    /// Keep the subscription alive.
    Renew,
    /// Ask the camera to tell everything again.
    Synchronise,
    /// Nothing before then.
    Wait(Instant),
}

/// How a subscription was had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beginning {
    /// How long the camera keeps it, if it says.
    pub(super) kept_for: Option<Duration>,
    /// It is the old one.
    pub(super) taken_up: bool,
}

/// What a pull brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Messages of any kind.
    pub(super) messages: usize,
    /// Messages about what is so anyway.
    pub(super) initialized: usize,
}

/// The life of the subscriptions at one device.
#[derive(Debug)]
pub(super) struct Life {
    phase: Phase,
    hearing: Hearing,
    failure: Option<Failure>,
    backoff: Backoff,
    /// The camera misreads lengths of time.
    absolute: bool,
    /// The camera refuses to renew.
    never_renews: bool,
    /// The camera has told its states when it was asked to: from then on its silence means something.
    proved: bool,
    /// Subscriptions in a row that were taken away at once.
    short_lives: u32,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Apart { until: Option<Instant>, fresh: bool },
    Together(Together),
}

#[derive(Debug, Clone, Copy)]
struct Together {
    began: Instant,
    renew_at: Instant,
    ends_at: Instant,
    pull_from: Instant,
    /// When something was told last, or could have been.
    heard_at: Instant,
    /// When the camera was asked to tell everything, and has not yet.
    asked_at: Option<Instant>,
    /// Pulls that were closed at once, in a row.
    closings: u32,
}

impl Life {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Apart { until: None, fresh: false },
            hearing: Hearing::Unknown,
            failure: None,
            backoff: Backoff::new(FIRST_WAIT, LONGEST_WAIT),
            absolute: false,
            never_renews: false,
            proved: false,
            short_lives: 0,
        }
    }

    /// How it is, and why it is not better.
    pub(super) fn hearing(&self) -> (Hearing, Option<&Failure>) {
        (self.hearing, self.failure.as_ref())
    }

    /// Terms are to be moments of the camera's clock.
    pub(super) fn is_absolute(&self) -> bool {
        self.absolute
    }

    /// The next step.
    pub(super) fn next(&self, now: Instant) -> Step {
        let together = match self.phase {
            Phase::Apart { until: Some(until), .. } if now < until => return Step::Wait(until),
            Phase::Apart { fresh, .. } => return Step::Begin { fresh },
            Phase::Together(together) => together,
        };
        let quiet = now.duration_since(together.heard_at) >= QUIET;
        if now >= together.ends_at {
            Step::Begin { fresh: true }
        } else if now >= together.renew_at {
            if self.never_renews { Step::Begin { fresh: true } } else { Step::Renew }
        } else if quiet && together.asked_at.is_none() {
            Step::Synchronise
        } else if now < together.pull_from {
            Step::Wait(together.pull_from)
        } else {
            let room = together.renew_at.duration_since(now).max(Duration::from_secs(1));
            // A question is open: its answer is not waited for longer than it may take.
            let most = if together.asked_at.is_some() && self.proved { SYNC_PATIENCE / 3 } else { PULL };
            Step::Pull(most.min(room))
        }
    }

    /// A `Begin` has ended.
    pub(super) fn began(&mut self, outcome: Result<Beginning, Trouble>, now: Instant, rng: &mut impl Rng) {
        let beginning = match outcome {
            Ok(beginning) => beginning,
            Err(trouble) => return self.lose(trouble, now, rng),
        };
        // A camera that is known to tell its states is believed again when it does.
        let silent = self.hearing == Hearing::Silent && self.proved;
        if !silent {
            self.hear();
        }
        // What it tells by itself after a new subscription is as good as an answer; the old one is asked.
        let asked_at = (!beginning.taken_up && self.proved).then_some(now);
        let heard_at = if beginning.taken_up { now.checked_sub(QUIET).unwrap_or(now) } else { now };
        let mut together =
            Together { began: now, renew_at: now, ends_at: now, pull_from: now, heard_at, asked_at, closings: 0 };
        self.keep(&mut together, beginning.kept_for, now);
        self.phase = Phase::Together(together);
    }

    /// A `Renew` has ended.
    pub(super) fn renewed(&mut self, outcome: Result<Option<Duration>, Trouble>, now: Instant, rng: &mut impl Rng) {
        match outcome {
            Ok(kept_for) => {
                if let Phase::Together(mut together) = self.phase {
                    self.keep(&mut together, kept_for, now);
                    self.phase = Phase::Together(together);
                }
            }
            Err(trouble) if is_away(&trouble) => self.lose(trouble, now, rng),
            Err(_refused) => {
                // It may be gone, or this camera renews nothing: the next one tells which.
                self.never_renews = matches!(self.phase, Phase::Together(together) if now < together.ends_at);
                self.phase = Phase::Apart { until: None, fresh: true };
            }
        }
    }

    /// A `Pull` has ended, after it took so long.
    pub(super) fn pulled(&mut self, outcome: Result<Told, Trouble>, took: Duration, now: Instant, rng: &mut impl Rng) {
        let Phase::Together(mut together) = self.phase else { return };
        match outcome {
            Ok(told) => {
                together.closings = 0;
                self.proved |= told.initialized > 0;
                if told.messages > 0 {
                    together.heard_at = now;
                    together.asked_at = None;
                    self.hear();
                } else {
                    together.pull_from = now + PAUSE.saturating_sub(took);
                }
                if now.duration_since(together.began) > SHORT {
                    self.short_lives = 0;
                }
                self.phase = Phase::Together(together);
                let overdue = |asked_at| now.duration_since(asked_at) >= SYNC_PATIENCE;
                if self.proved && together.asked_at.is_some_and(overdue) {
                    self.fall_silent(now, rng);
                }
            }
            // Some cameras close each pull after ten seconds: nothing is wrong with the subscription.
            Err(trouble) if trouble.kind == Kind::Closed => {
                together.closings = if took >= A_WAIT { 0 } else { together.closings + 1 };
                together.pull_from = now + PAUSE;
                self.phase = Phase::Together(together);
                if together.closings >= 3 {
                    self.lose(trouble, now, rng);
                }
            }
            Err(trouble) if is_away(&trouble) => self.lose(trouble, now, rng),
            Err(trouble) => self.end(together, trouble, now, rng),
        }
    }

    /// A `Synchronise` has ended.
    pub(super) fn synchronised(&mut self, outcome: Result<(), Trouble>, now: Instant, rng: &mut impl Rng) {
        match outcome {
            Err(trouble) if is_away(&trouble) => self.lose(trouble, now, rng),
            outcome => {
                // A camera that cannot be asked cannot be proved silent.
                self.proved &= outcome.is_ok();
                if let Phase::Together(together) = &mut self.phase {
                    together.asked_at = Some(now);
                }
            }
        }
    }

    /// The subscription is not there any more: the camera was restarted, its clock was set, or somebody took the place.
    fn end(&mut self, together: Together, trouble: Trouble, now: Instant, rng: &mut impl Rng) {
        let short = now.duration_since(together.began) < SHORT;
        self.short_lives = if short { self.short_lives + 1 } else { 0 };
        if self.short_lives < 3 {
            self.phase = Phase::Apart { until: None, fresh: true };
            return;
        }
        let detail = format!(
            "The camera ends each subscription at once, as if it had a place for one listener only and another program took it: \
             let one program listen. {}",
            trouble.failure.detail
        );
        let failure = Failure { reason: Reason::Refused, detail };
        self.lose(Trouble { kind: Kind::Busy, failure }, now, rng);
    }

    fn fall_silent(&mut self, now: Instant, rng: &mut impl Rng) {
        self.hearing = Hearing::Silent;
        let detail = "The camera takes our subscription but tells nothing, not even what it told before when it was asked: \
                      restart the camera";
        self.failure = Some(Failure { reason: Reason::Timeout, detail: detail.to_owned() });
        self.phase = Phase::Apart { until: Some(now + self.backoff.next(rng)), fresh: true };
    }

    fn lose(&mut self, trouble: Trouble, now: Instant, rng: &mut impl Rng) {
        let (hearing, wait) = match trouble.kind {
            Kind::Refused => (Hearing::Refused, REFUSED_WAIT),
            Kind::NotOffered => (Hearing::NotOffered, NOT_OFFERED_WAIT),
            Kind::Busy => (Hearing::Busy, LONGEST_WAIT.mul_f64(rng.random_range(0.7..=1.0))),
            Kind::Unreachable | Kind::Closed | Kind::Fault | Kind::Broken => (Hearing::Lost, self.backoff.next(rng)),
        };
        self.hearing = hearing;
        self.failure = Some(trouble.failure);
        self.phase = Phase::Apart { until: Some(now + wait), fresh: false };
    }

    fn hear(&mut self) {
        self.hearing = Hearing::Listening;
        self.failure = None;
        self.backoff.reset();
    }

    fn keep(&mut self, together: &mut Together, kept_for: Option<Duration>, now: Instant) {
        let length = kept_for.unwrap_or(TERM).clamp(Duration::from_secs(10), TERM * 6);
        together.ends_at = now + length;
        together.renew_at = now + length.mul_f64(0.8);
        if length < TERM / 2 && !self.absolute {
            // Perhaps it read our length wrong, perhaps it keeps none for longer: the moment itself tells.
            self.absolute = true;
            if !self.never_renews {
                together.renew_at = now;
            }
        }
    }
}

/// Nobody answered, or not in ONVIF: the subscription may well be there still.
fn is_away(trouble: &Trouble) -> bool {
    matches!(trouble.kind, Kind::Unreachable | Kind::Broken)
}

#[cfg(test)]
mod tests;
