//! The one sentence at the top: is everything true, and if not, what needs somebody. Pure.

use super::card::Card;
use super::chain::Station;
use super::look::{EVENTS_ONLY, Tone};
use super::words::{Words, fill};

/// How many troubles are named one by one.
const NAMED: usize = 3;

/// The sentence, and what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    pub(super) tone: Tone,
    pub(super) sign: &'static str,
    pub(super) headline: String,
    pub(super) sub: String,
    /// Cameras that need somebody: as many as fit.
    pub(super) troubles: Vec<NamedTrouble>,
    /// How many do not fit, in words.
    pub(super) more: Option<String>,
    pub(super) no_camera: bool,
    /// Numbers and what they count.
    pub(super) numbers: Vec<(String, &'static str)>,
}

/// A camera that needs somebody.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NamedTrouble {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) what: &'static str,
    pub(super) next: Option<&'static str>,
}

impl Verdict {
    pub(super) fn new(stations: &[Station], cards: &[Card], words: &'static Words) -> Self {
        let seen = cards.iter().filter(|card| card.look.key != EVENTS_ONLY).count();
        let count = |tone| cards.iter().filter(|card| card.look.tone == tone).count();
        let (online, bad, unseen) = (count(Tone::Good), count(Tone::Bad), count(Tone::Wait));
        let worst = worst_station(stations);
        let online_of = |text| fill(text, &[&online, &seen]);
        let mut verdict = match worst {
            Some(station) if station.tone == Tone::Bad => {
                Self::plain(Tone::Bad, (words.chain_broken)(station.part).to_owned(), words.chain_sub.to_owned())
            }
            Some(station) => {
                Self::plain(Tone::Wait, (words.waiting_for)(station.part).to_owned(), words.chain_sub.to_owned())
            }
            None if cards.is_empty() => {
                Self::plain(Tone::Idle, words.no_camera.to_owned(), words.no_camera_sub.to_owned())
            }
            None if bad == 1 => Self::plain(Tone::Bad, words.need_you_one.to_owned(), online_of(words.need_you_sub)),
            None if bad > 1 => Self::plain(Tone::Bad, fill(words.need_you, &[&bad]), online_of(words.need_you_sub)),
            None if unseen > 0 => {
                let sub = fill(words.looking_sub, &[&unseen, &seen]);
                Self::plain(Tone::Wait, words.looking.to_owned(), sub)
            }
            None if seen == 0 => Self::plain(Tone::Good, words.all_well.to_owned(), words.events_only_sub.to_owned()),
            None => Self::plain(Tone::Good, words.all_well.to_owned(), online_of(words.all_well_sub)),
        };
        verdict.no_camera = cards.is_empty();
        verdict.name_troubles(cards, words);
        if seen > 0 {
            verdict.numbers.push((format!("{online}/{seen}"), words.online_now));
        }
        if !cards.is_empty() {
            let today: u64 = cards.iter().map(|card| card.today).sum();
            verdict.numbers.push((today.to_string(), words.events_today));
        }
        verdict
    }

    fn plain(tone: Tone, headline: String, sub: String) -> Self {
        let sign = match tone {
            Tone::Good => "check",
            Tone::Idle => "plus",
            Tone::Wait => "wait",
            Tone::Bad => "bang",
        };
        Self { tone, sign, headline, sub, troubles: Vec::new(), more: None, no_camera: false, numbers: Vec::new() }
    }

    fn name_troubles(&mut self, cards: &[Card], words: &Words) {
        let bad: Vec<_> = cards.iter().filter(|card| card.look.tone == Tone::Bad).collect();
        self.troubles = bad
            .iter()
            .take(NAMED)
            .map(|card| NamedTrouble {
                id: card.id.clone(),
                name: card.name.clone(),
                what: card.look.advice.map_or(card.look.label, |advice| advice.what),
                next: card.look.advice.map(|advice| advice.next),
            })
            .collect();
        let rest = bad.len().saturating_sub(NAMED);
        self.more = (rest > 0).then(|| fill(words.and_more, &[&rest]));
    }
}

/// The first station that somebody has to see to, else the first that is waited for.
fn worst_station(stations: &[Station]) -> Option<&Station> {
    let first = |tone| stations.iter().find(|station| station.tone == tone);
    first(Tone::Bad).or_else(|| first(Tone::Wait))
}

#[cfg(test)]
mod tests;
