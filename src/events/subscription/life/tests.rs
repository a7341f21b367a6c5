use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;

/// A life, its clock, and its chance.
struct Played {
    life: Life,
    now: Instant,
    rng: StdRng,
}

fn trouble(kind: Kind) -> Trouble {
    Trouble { kind, failure: Failure { reason: Reason::Protocol, detail: "as played".to_owned() } }
}

fn beginning(kept_for: Option<u64>) -> Beginning {
    Beginning { kept_for: kept_for.map(Duration::from_secs), taken_up: false }
}

impl Played {
    fn new() -> Self {
        Self { life: Life::new(), now: Instant::now(), rng: StdRng::seed_from_u64(1) }
    }

    fn listening() -> Self {
        let mut played = Self::new();
        assert_eq!(played.next(), Step::Begin { fresh: false });
        played.began(Ok(beginning(Some(600))));
        played
    }

    fn next(&self) -> Step {
        self.life.next(self.now)
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn began(&mut self, outcome: Result<Beginning, Trouble>) {
        self.life.began(outcome, self.now, &mut self.rng);
    }

    fn pulled(&mut self, outcome: Result<(usize, usize), Trouble>, took: u64) {
        self.pass(took);
        let outcome = outcome.map(|(messages, initialized)| Told { messages, initialized });
        self.life.pulled(outcome, Duration::from_secs(took), self.now, &mut self.rng);
    }

    fn hearing(&self) -> Hearing {
        self.life.hearing().0
    }

    /// Waits as long as it wants to.
    fn rest(&mut self) -> Duration {
        let Step::Wait(until) = self.next() else { panic!("it does not wait: {:?}", self.next()) };
        let wait = until.duration_since(self.now);
        self.now = until;
        wait
    }
}

#[test]
fn a_subscription_is_pulled_again_and_again_and_renewed_before_it_ends() {
    let mut played = Played::listening();
    assert_eq!(played.hearing(), Hearing::Listening);
    let mut pulls = 0;
    while let Step::Pull(wait) = played.next() {
        played.pulled(Ok((1, 0)), wait.as_secs());
        pulls += 1;
    }
    assert_eq!(played.next(), Step::Renew);
    assert!(pulls >= 9, "{pulls}");
    played.life.renewed(Ok(Some(TERM)), played.now, &mut played.rng);
    assert!(matches!(played.next(), Step::Pull(_)));
}

#[test]
fn a_camera_that_refuses_to_renew_gets_a_new_subscription_before_the_old_one_ends() {
    let mut played = Played::listening();
    played.pass(480);
    assert_eq!(played.next(), Step::Renew);
    played.life.renewed(Err(trouble(Kind::Fault)), played.now, &mut played.rng);
    assert_eq!(played.hearing(), Hearing::Listening, "it can still be heard");
    assert_eq!(played.next(), Step::Begin { fresh: true });
    played.began(Ok(beginning(Some(600))));
    played.pass(480);
    assert_eq!(played.next(), Step::Begin { fresh: true }, "it is not asked again what it never does");
}

#[test]
fn a_length_that_is_misread_is_said_as_a_moment_and_a_short_one_is_put_up_with() {
    let mut played = Played::new();
    played.began(Ok(beginning(Some(10))));
    assert!(played.life.is_absolute());
    assert_eq!(played.next(), Step::Renew, "at once, before it ends");
    played.life.renewed(Ok(Some(Duration::from_secs(60))), played.now, &mut played.rng);
    let Step::Pull(wait) = played.next() else { panic!("{:?}", played.next()) };
    assert!(wait <= Duration::from_secs(48), "{wait:?}");
}

#[test]
fn a_pull_that_is_closed_after_ten_seconds_is_no_fault() {
    let mut played = Played::listening();
    for _ in 0..20 {
        assert!(matches!(played.next(), Step::Pull(_)));
        played.pulled(Err(trouble(Kind::Closed)), 10);
        assert_eq!(played.hearing(), Hearing::Listening);
        assert_eq!(played.rest(), PAUSE);
    }
    for _ in 0..3 {
        played.pulled(Err(trouble(Kind::Closed)), 0);
    }
    assert_eq!(played.hearing(), Hearing::Lost, "but closing at once is");
}

#[test]
fn an_empty_answer_that_comes_at_once_does_not_make_us_run() {
    let mut played = Played::listening();
    played.pulled(Ok((0, 0)), 0);
    assert_eq!(played.rest(), PAUSE);
}

#[test]
fn after_a_restart_of_the_camera_a_new_subscription_is_made_at_once() {
    let mut played = Played::listening();
    played.pulled(Ok((1, 1)), 50);
    played.pulled(Err(trouble(Kind::Fault)), 1);
    assert_eq!(played.hearing(), Hearing::Listening, "nobody is told what is mended in the next moment");
    assert_eq!(played.next(), Step::Begin { fresh: true });
    played.began(Err(trouble(Kind::Unreachable)));
    assert_eq!(played.hearing(), Hearing::Lost);
    let waits: Vec<_> = (0..12)
        .map(|_| {
            let wait = played.rest();
            assert_eq!(played.next(), Step::Begin { fresh: false }, "the old one may be there still");
            played.began(Err(trouble(Kind::Unreachable)));
            wait
        })
        .collect();
    assert!(waits[0] <= FIRST_WAIT && waits.iter().all(|wait| *wait <= LONGEST_WAIT), "{waits:?}");
    played.rest();
    played.began(Ok(beginning(None)));
    assert_eq!(played.hearing(), Hearing::Listening);
}

#[test]
fn a_place_that_is_taken_away_again_and_again_is_said_to_be_busy() {
    let mut played = Played::listening();
    for _ in 0..3 {
        assert_eq!(played.hearing(), Hearing::Listening);
        played.pulled(Err(trouble(Kind::Fault)), 1);
        if played.next() == (Step::Begin { fresh: true }) {
            played.began(Ok(beginning(Some(600))));
        }
    }
    assert_eq!(played.hearing(), Hearing::Busy);
    assert!(played.rest() >= LONGEST_WAIT / 2, "the other one is left in peace");
}

#[test]
fn every_trouble_at_the_beginning_has_its_word() {
    for (kind, hearing) in [
        (Kind::Unreachable, Hearing::Lost),
        (Kind::Broken, Hearing::Lost),
        (Kind::Refused, Hearing::Refused),
        (Kind::NotOffered, Hearing::NotOffered),
        (Kind::Busy, Hearing::Busy),
    ] {
        let mut played = Played::new();
        played.began(Err(trouble(kind)));
        assert_eq!(played.hearing(), hearing);
        assert!(played.life.hearing().1.is_some());
        played.rest();
        played.began(Ok(beginning(Some(600))));
        assert_eq!(played.life.hearing(), (Hearing::Listening, None));
    }
}

#[test]
fn a_quiet_night_is_no_fault() {
    // One camera answers when it is asked; the other one has never told a state, so its silence means nothing.
    for answers in [true, false] {
        let mut played = Played::listening();
        if answers {
            played.pulled(Ok((8, 8)), 0);
        }
        let mut asked = false;
        for _ in 0..500 {
            match played.next() {
                Step::Synchronise => {
                    asked = true;
                    played.life.synchronised(Ok(()), played.now, &mut played.rng);
                }
                Step::Pull(wait) if answers && std::mem::take(&mut asked) => {
                    played.pulled(Ok((8, 8)), wait.as_secs().min(1))
                }
                Step::Pull(wait) => played.pulled(Ok((0, 0)), wait.as_secs()),
                Step::Renew => played.life.renewed(Ok(Some(TERM)), played.now, &mut played.rng),
                Step::Wait(until) => played.now = until,
                step @ Step::Begin { .. } => panic!("{step:?}"),
            }
            assert_eq!(played.hearing(), Hearing::Listening);
        }
    }
}

#[test]
fn a_camera_that_does_not_tell_any_more_what_it_told_before_is_silent_until_it_tells() {
    let mut played = Played::listening();
    played.pulled(Ok((8, 8)), 0);
    let deadline = played.now + QUIET + 2 * PULL + SYNC_PATIENCE;
    while played.hearing() == Hearing::Listening {
        assert!(played.now < deadline, "it is not noticed");
        match played.next() {
            Step::Synchronise => played.life.synchronised(Ok(()), played.now, &mut played.rng),
            Step::Pull(wait) => played.pulled(Ok((0, 0)), wait.as_secs()),
            step => panic!("{step:?}"),
        }
    }
    assert_eq!(played.hearing(), Hearing::Silent);
    played.rest();
    assert_eq!(played.next(), Step::Begin { fresh: true });
    played.began(Ok(beginning(Some(600))));
    assert_eq!(played.hearing(), Hearing::Silent, "a subscription alone proves nothing");
    played.pulled(Ok((8, 8)), 0);
    assert_eq!(played.hearing(), Hearing::Listening);
}
