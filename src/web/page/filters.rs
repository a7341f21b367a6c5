//! Chips and a search for walls with many cameras. Pure.

use askama::Template;

use super::card::Card;
use super::look::EVENTS_ONLY;
use super::words::Words;
use crate::camera::Status;

/// From here on a wall is not seen at one glance.
const MANY: usize = 12;

#[derive(Template)]
#[template(path = "filters.html")]
pub(super) struct FiltersTemplate<'a> {
    w: &'a Words,
    many: bool,
    chips: Vec<Chip>,
}

struct Chip {
    key: &'static str,
    sign: &'static str,
    tone: &'static str,
    label: &'static str,
    count: usize,
}

impl<'a> FiltersTemplate<'a> {
    pub(super) fn new(cards: &[Card], w: &'a Words) -> Self {
        let all = Chip { key: "", sign: "camera", tone: "", label: w.everything, count: cards.len() };
        let keys = Status::ALL.map(Status::as_str).into_iter().chain([EVENTS_ONLY]);
        let chips = keys.filter_map(|key| {
            let mut of_this = cards.iter().filter(|card| card.look.key == key);
            let look = &of_this.next()?.look;
            Some(Chip { key, sign: look.sign, tone: look.tone.class(), label: look.label, count: 1 + of_this.count() })
        });
        Self { w, many: cards.len() > MANY, chips: [all].into_iter().chain(chips).collect() }
    }
}

/// What the address says is to be shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    /// The key of a look; empty for all.
    pub(super) status: String,
    /// Part of a name, an id or an area.
    pub(super) search: String,
}

impl Filter {
    pub(super) fn shows(&self, key: &str, text: &str) -> bool {
        (self.status.is_empty() || self.status == key)
            && text.to_lowercase().contains(&self.search.trim().to_lowercase())
    }
}
