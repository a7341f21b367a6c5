use std::collections::BTreeSet;

use super::super::language::Language;
use super::*;

const REASONS: [Reason; 10] = [
    Reason::Dns,
    Reason::Refused,
    Reason::Unreachable,
    Reason::Timeout,
    Reason::Tls,
    Reason::Auth,
    Reason::NotFound,
    Reason::Protocol,
    Reason::NoFrames,
    Reason::SamePicture,
];

#[test]
fn texts_are_filled_in_order() {
    assert_eq!(fill("{} of {} online", &[&1, &"two"]), "1 of two online");
    assert_eq!(fill("nothing", &[&1]), "nothing");
    assert_eq!(fill("{} {}", &[&"{}"]), "{} ");
}

/// Both languages have the same number of places to fill: a test for every text that has one.
#[test]
fn both_languages_fill_the_same() {
    let of = |language: Language| {
        let debug = format!("{:?}", language.words());
        let mut fields: Vec<_> = debug
            .split("\", ")
            .map(|field| (field.split(':').next().unwrap_or_default().trim().to_owned(), field.matches("{}").count()))
            .collect();
        fields.retain(|(_, places)| *places > 0);
        fields
    };
    assert_eq!(of(Language::English), of(Language::German));
}

#[test]
fn every_status_and_reason_is_told_from_the_others_in_both_languages() {
    for language in Language::ALL {
        let words = language.words();
        let statuses: BTreeSet<_> = Status::ALL.map(words.status).into();
        assert_eq!(statuses.len(), Status::ALL.len());
        let reasons: BTreeSet<_> = REASONS.map(|reason| (words.reason)(reason).what).into();
        assert_eq!(reasons.len(), REASONS.len());
        assert!(REASONS.iter().all(|reason| (words.reason)(*reason).next.ends_with('.')));
    }
}

#[test]
fn every_cause_has_a_next_step_in_every_language() {
    for language in Language::ALL {
        for kind in Kind::all() {
            let advice = (language.words().cause)(kind);
            assert!(!advice.what.is_empty() && advice.next.ends_with('.'), "{language:?} {kind:?}");
        }
    }
}

#[test]
fn german_is_german() {
    let english = format!("{:?}", Language::English.words());
    let german = format!("{:?}", Language::German.words());
    let texts = |debug: &str| -> BTreeSet<String> {
        debug
            .split('"')
            .filter(|text| text.split_whitespace().count() > 2)
            // What stands between two texts, and the one that has only a name in it.
            .filter(|text| !["Advice {", "Words {", "Camera Herald {}"].iter().any(|other| text.contains(other)))
            .map(str::to_owned)
            .collect()
    };
    let same: Vec<_> = texts(&english).intersection(&texts(&german)).cloned().collect();
    assert_eq!(same, Vec::<String>::new(), "not translated");
}
