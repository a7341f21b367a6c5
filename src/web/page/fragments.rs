//! The parts of the wall that change by themselves, rendered and marked: the page puts them together, and the live
//! stream sends those whose mark the browser does not have.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;

use super::assets::mark;
use super::card::{Card, CardTemplate};
use super::chain::{Station, stations};
use super::filters::FiltersTemplate;
use super::language::Language;
use super::moment::Moment;
use super::verdict::Verdict;
use super::words::Words;
use crate::camera::Camera;

/// A rendered part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fragment {
    /// The id of the element that it fills.
    pub(super) id: String,
    /// Tells one content from another.
    pub(super) mark: String,
    pub(super) html: Arc<str>,
}

/// All of them in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fragments {
    pub(super) all: BTreeMap<String, Fragment>,
    /// The ids of the cards, in the order of the options.
    pub(super) order: Vec<String>,
}

/// Renders in one language, and renders again only what looks different.
#[derive(Debug)]
pub(super) struct Gallery {
    language: Language,
    cards: HashMap<String, (Card, Fragment)>,
}

#[derive(Template)]
#[template(path = "verdict.html")]
struct VerdictTemplate<'a> {
    w: &'a Words,
    v: Verdict,
}

#[derive(Template)]
#[template(path = "chain.html")]
struct ChainTemplate<'a> {
    w: &'a Words,
    stations: &'a [Station],
}

impl Fragment {
    fn new(id: &str, html: String) -> Self {
        Self { id: id.to_owned(), mark: mark(&html), html: html.into() }
    }

    fn render(id: &str, template: &impl Template) -> Self {
        Self::new(id, render(template))
    }
}

/// Rendering into memory fails only when a template says so, and none of ours does.
pub(super) fn render(template: &impl Template) -> String {
    template.render().unwrap_or_else(|error| {
        tracing::error!(%error, "A part of the page could not be rendered; please report this");
        String::new()
    })
}

impl Gallery {
    pub(super) fn new(language: Language) -> Self {
        Self { language, cards: HashMap::new() }
    }

    pub(super) fn render(&mut self, moment: &Moment) -> Fragments {
        let words = self.language.words();
        let stations = stations(&moment.chain, words);
        let cards: Vec<_> = moment.inventory.iter().map(|camera| Card::new(camera, moment, self.language)).collect();
        let verdict = Verdict::new(&stations, &cards, words);
        let mut all = vec![
            Fragment::render("verdict", &VerdictTemplate { w: words, v: verdict }),
            Fragment::render("chain", &ChainTemplate { w: words, stations: &stations }),
            Fragment::render("filters", &FiltersTemplate::new(&cards, words)),
        ];
        all.extend(moment.inventory.iter().map(|camera| look(camera, moment)));
        let order: Vec<_> = cards.iter().map(|card| format!("card-{}", card.id)).collect();
        let mut before = std::mem::take(&mut self.cards);
        for card in cards {
            let kept = before.remove(&card.id).filter(|(known, _)| *known == card);
            let fragment = kept.map_or_else(|| card_fragment(&card, words), |(_, fragment)| fragment);
            all.push(fragment.clone());
            self.cards.insert(card.id.clone(), (card, fragment));
        }
        Fragments { all: all.into_iter().map(|fragment| (fragment.id.clone(), fragment)).collect(), order }
    }
}

/// The marks that a page of one camera lives by, in the order of its `data-watch`.
pub(super) fn marks(camera: &Camera, moment: &Moment, language: Language) -> String {
    let card = card_fragment(&Card::new(camera, moment, language), language.words());
    format!("{} {}", card.mark, look(camera, moment).mark)
}

fn card_fragment(card: &Card, words: &Words) -> Fragment {
    Fragment::render(&format!("card-{}", card.id), &CardTemplate { w: words, card })
}

/// Changes with what only the page of one camera shows. It has no content: that page is made anew.
fn look(camera: &Camera, moment: &Moment) -> Fragment {
    let mark = mark(&moment.looks_at(&camera.id));
    Fragment { id: format!("look-{}", camera.id), mark, html: "".into() }
}
