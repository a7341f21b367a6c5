use super::*;
use crate::broker::{BrokerKind, Lease, Up};
use crate::homeassistant::Sign;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn up(since: i64) -> LinkState {
    up_without(since, Vec::new())
}

fn up_without(since: i64, refused_topics: Vec<String>) -> LinkState {
    LinkState::Up(Lease::expired(Up {
        epoch: 1,
        broker: "core-mosquitto:1883".to_owned(),
        protocol: "3.1.1",
        max_packet: 1_000,
        refused_topics,
        last_error: None,
        since: at(since),
    }))
}

fn down(kind: CauseKind, since: i64) -> LinkState {
    LinkState::Down { cause: Cause::new(kind, format!("{} in words", kind.word())), since: at(since) }
}

fn no_service() -> CauseKind {
    CauseKind::Supervisor(SupervisorKind::ServiceNotEnabled)
}

/// Decides as an app that uses the service, the Supervisor being fine.
fn after(before: &Chain, link: &LinkState, presence: Presence, now: i64) -> Chain {
    let heard = Answer::heard(link).unwrap_or(Answer::Good);
    let system = SystemInfo {
        supervisor: Some("2026.08.0".to_owned()),
        homeassistant: Some("2026.8.3".to_owned()),
        ..SystemInfo::default()
    };
    let facts = Facts { app_mode: true, uses_service: true, supervisor: &heard, system: Some(&system), link, presence };
    decide(before, &facts, at(now))
}

fn conditions(chain: &Chain) -> [Condition; 4] {
    std::array::from_fn(|part| chain.0[part].condition)
}

#[test]
fn when_all_is_well_every_part_says_what_it_is() {
    let here = Presence::Here { since: at(7), sign: Sign::Birth };
    let chain = after(&beginning(at(0)), &up(5), here, 10);
    assert_eq!(conditions(&chain), [Condition::Good; 4]);
    let details = chain.0.each_ref().map(|link| link.detail.as_deref().unwrap());
    assert_eq!(details, ["2026.08.0", "core-mosquitto:1883", "core-mosquitto:1883, MQTT 3.1.1", "2026.8.3"]);
    assert_eq!((chain.part(Part::Broker).since, chain.part(Part::HomeAssistant).since), (at(5), at(7)));
    assert_eq!(next_change(&chain), None, "nothing wakes up");
}

#[test]
fn each_trouble_is_told_of_the_part_that_has_it() {
    use CauseKind::{Broker, Starting, Supervisor};
    use Condition::{Broken, Good, Unknown, Waiting};
    use SupervisorKind as Sup;
    for (kind, expected) in [
        (Starting, [Good, Unknown, Unknown, Unknown]),
        (Supervisor(Sup::NotReady), [Waiting, Unknown, Unknown, Unknown]),
        (Supervisor(Sup::Unreachable), [Waiting, Unknown, Unknown, Unknown]),
        (Supervisor(Sup::Timeout), [Waiting, Unknown, Unknown, Unknown]),
        (Supervisor(Sup::TokenRefused), [Broken, Unknown, Unknown, Unknown]),
        (Supervisor(Sup::ServiceNotEnabled), [Good, Waiting, Unknown, Unknown]),
        (Supervisor(Sup::NoAccess), [Good, Broken, Unknown, Unknown]),
        (Broker(BrokerKind::Timeout), [Good, Good, Waiting, Unknown]),
        (Broker(BrokerKind::Refused), [Good, Good, Waiting, Unknown]),
        (Broker(BrokerKind::Auth), [Good, Good, Broken, Unknown]),
        (Broker(BrokerKind::Tls), [Good, Good, Broken, Unknown]),
        (Broker(BrokerKind::TakenOver), [Good, Good, Broken, Unknown]),
    ] {
        let chain = after(&beginning(at(0)), &down(kind, 1), Presence::Unknown, 2);
        assert_eq!(conditions(&chain), expected, "{kind:?}");
        let troubled = chain.0.iter().find(|link| matches!(link.condition, Waiting | Broken));
        let word = troubled.and_then(|link| link.kind).map(Kind::word);
        assert_eq!(word, (kind != Starting).then_some(kind.word()));
    }
}

#[test]
fn the_words_of_causes_are_known_to_others_and_stay() {
    let words: Vec<_> = Kind::all().map(Kind::word).collect();
    assert_eq!(
        words.join(" "),
        "service_not_enabled not_ready no_access token_refused unreachable timeout cut_off not_json malformed server \
         unexpected dns refused timeout tls auth broker_refused protocol no_retain no_qos_1 will_refused taken_over packet_too_large half_open \
         ack_overdue broken client refused_topics gone not_heard no_broker"
    );
}

#[test]
fn who_waits_too_long_is_told_to_act_and_the_trouble_keeps_its_beginning() {
    let link = down(no_service(), 10);
    let first = after(&beginning(at(0)), &link, Presence::Unknown, 10);
    assert_eq!(first.part(Part::MqttService).condition, Condition::Waiting);
    assert_eq!(next_change(&first), Some(at(10 + 120)));
    let later = after(&first, &link, Presence::Unknown, 10 + 120);
    let service = later.part(Part::MqttService);
    assert_eq!((service.condition, service.since), (Condition::Broken, at(10)));
    assert_eq!(next_change(&later), None);
}

#[test]
fn another_cause_of_the_same_outage_keeps_its_beginning() {
    let first = after(&beginning(at(0)), &down(CauseKind::Broker(BrokerKind::Refused), 10), Presence::Unknown, 10);
    let second = after(&first, &down(CauseKind::Broker(BrokerKind::Dns), 10), Presence::Unknown, 60);
    let broker = second.part(Part::Broker);
    assert_eq!((broker.kind, broker.since), (Some(Kind::Broker(BrokerKind::Dns)), at(10)));
    assert_eq!(broker.last_error.as_deref(), Some("dns in words"));
}

#[test]
fn the_last_error_stays_when_all_is_good_again() {
    let broken = after(&beginning(at(0)), &down(CauseKind::Broker(BrokerKind::Auth), 1), Presence::Unknown, 1);
    let good = after(&broken, &up(60), Presence::Unknown, 60);
    let broker = good.part(Part::Broker);
    assert_eq!((broker.condition, broker.kind, broker.since), (Condition::Good, None, at(60)));
    assert_eq!(broker.last_error.as_deref(), Some("auth in words"));
    let service = good.part(Part::MqttService);
    assert_eq!((service.condition, service.since), (Condition::Good, at(1)), "it was good all the time");
}

#[test]
fn topics_that_the_broker_refuses_need_somebody() {
    let refused_topics = (0..6).map(|n| format!("t/{n}")).collect();
    let chain = after(&beginning(at(0)), &up_without(5, refused_topics), Presence::Unknown, 6);
    let broker = chain.part(Part::Broker);
    assert_eq!((broker.condition, broker.kind), (Condition::Broken, Some(Kind::RefusedTopics)));
    let text = broker.last_error.as_deref().unwrap();
    assert!(text.contains("t/0, t/1, t/2, t/3 and more") && !text.contains("t/4"), "{text}");
}

#[test]
fn home_assistant_is_waited_for_when_it_has_gone_and_unknown_while_nobody_can_hear_it() {
    let gone = after(&beginning(at(0)), &up(5), Presence::Gone { since: at(9) }, 10);
    let link = gone.part(Part::HomeAssistant);
    assert_eq!((link.condition, link.kind, link.since), (Condition::Waiting, Some(Kind::Gone), at(9)));
    let long = after(&gone, &up(5), Presence::Gone { since: at(9) }, 9 + 600);
    assert_eq!(long.part(Part::HomeAssistant).condition, Condition::Broken);
    let not_heard = after(&beginning(at(0)), &up(5), Presence::Unknown, 10);
    assert_eq!(not_heard.part(Part::HomeAssistant).kind, Some(Kind::NotHeard));
    let here = Presence::Here { since: at(7), sign: Sign::Page };
    let away = after(&beginning(at(0)), &down(CauseKind::Broker(BrokerKind::Refused), 8), here, 10);
    assert_eq!(away.part(Part::HomeAssistant).condition, Condition::Unknown);
}

#[test]
fn without_a_supervisor_its_parts_are_not_used() {
    let (before, link) = (beginning(at(0)), up(5));
    let facts = Facts {
        app_mode: false,
        uses_service: false,
        supervisor: &Answer::None,
        system: None,
        link: &link,
        presence: Presence::Unknown,
    };
    let chain = decide(&before, &facts, at(6));
    assert_eq!(conditions(&chain), [Condition::Unused, Condition::Unused, Condition::Good, Condition::Unknown]);
    // An app whose broker stands in the options still has a Supervisor.
    let chain = decide(&before, &Facts { app_mode: true, supervisor: &Answer::Good, ..facts }, at(6));
    assert_eq!(conditions(&chain)[..2], [Condition::Good, Condition::Unused]);
}
