use jiff::Timestamp;

use super::super::chain::stations;
use super::super::language::Language;
use super::*;
use crate::camera::inventory::tests::streaming;
use crate::camera::{Camera, CameraState, Inventory, Reason, Status};
use crate::chain::{BrokerKind, Chain, Condition, Kind, Link, Part};
use crate::web::page::moment::Moment;

fn link(part: Part, condition: Condition, kind: Option<Kind>) -> Link {
    Link { part, condition, since: Timestamp::UNIX_EPOCH, kind, last_error: None, detail: None }
}

fn chain(broker: Condition, home: Condition, home_kind: Option<Kind>) -> Chain {
    Chain([
        link(Part::Supervisor, Condition::Unused, None),
        link(Part::MqttService, Condition::Unused, None),
        link(Part::Broker, broker, Some(Kind::Broker(BrokerKind::Refused)).filter(|_| broker != Condition::Good)),
        link(Part::HomeAssistant, home, home_kind),
    ])
}

fn verdict(chain: &Chain, statuses: &[Status]) -> Verdict {
    let camera = |i: usize| Camera { name: format!("Camera {i}"), ..streaming(&format!("cam_{i}")) };
    let inventory = Inventory::new((0..statuses.len()).map(camera));
    let states = inventory.iter().zip(statuses).map(|(camera, status)| {
        let reason = (*status == Status::Offline).then_some(Reason::Dns);
        (camera.id.clone(), CameraState { status: *status, reason, ..CameraState::unknown(Timestamp::UNIX_EPOCH) })
    });
    let moment = Moment {
        now: Timestamp::UNIX_EPOCH,
        chain: chain.clone(),
        inventory: inventory.clone(),
        statuses: states.collect(),
        probes: Default::default(),
        timelines: Default::default(),
        pictures: Default::default(),
        histories: Default::default(),
        hearings: Default::default(),
        dismissed: Default::default(),
        announced_at: None,
    };
    let words = Language::English.words();
    let cards: Vec<_> = inventory.iter().map(|camera| Card::new(camera, &moment, Language::English)).collect();
    Verdict::new(&stations(chain, words), &cards, words)
}

#[test]
fn the_first_thing_that_needs_somebody_is_the_headline() {
    let good = chain(Condition::Good, Condition::Good, None);
    for (chain, statuses, tone, headline) in [
        (&good, &[Status::Online, Status::Online][..], Tone::Good, "All is well"),
        (&good, &[Status::Online, Status::Offline], Tone::Bad, "One camera needs you"),
        (&good, &[Status::Frozen, Status::Offline], Tone::Bad, "2 cameras need you"),
        (&good, &[Status::Online, Status::Unknown], Tone::Wait, "Looking at the cameras"),
        (&good, &[], Tone::Idle, "No camera yet"),
        (
            &chain(Condition::Waiting, Condition::Unknown, Some(Kind::NoBroker)),
            &[Status::Offline],
            Tone::Wait,
            "Waiting for the broker",
        ),
        (
            &chain(Condition::Broken, Condition::Unknown, Some(Kind::NoBroker)),
            &[Status::Online],
            Tone::Bad,
            "The broker needs you",
        ),
        (
            &chain(Condition::Good, Condition::Waiting, Some(Kind::Gone)),
            &[Status::Online],
            Tone::Wait,
            "Waiting for Home Assistant",
        ),
        // It was told everything and has said nothing yet: nobody has to do anything.
        (
            &chain(Condition::Good, Condition::Unknown, Some(Kind::NotHeard)),
            &[Status::Online],
            Tone::Good,
            "All is well",
        ),
        // Just started: nothing is known, so nothing is claimed.
        (
            &chain(Condition::Unknown, Condition::Unknown, Some(Kind::NoBroker)),
            &[Status::Online],
            Tone::Wait,
            "Waiting for the broker",
        ),
    ] {
        let verdict = verdict(chain, statuses);
        assert_eq!((verdict.tone, verdict.headline.as_str()), (tone, headline), "{statuses:?} {chain:?}");
    }
}

#[test]
fn only_some_troubles_are_named_and_the_rest_is_counted() {
    let verdict = verdict(&chain(Condition::Good, Condition::Good, None), &[Status::Offline; 5]);
    assert_eq!(verdict.troubles.len(), 3);
    assert_eq!(verdict.troubles[0].what, "Its name does not resolve");
    assert_eq!(verdict.more.as_deref(), Some("and 2 more"));
    assert_eq!(verdict.numbers[0], ("0/5".to_owned(), "cameras online"));
}
