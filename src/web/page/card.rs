//! One camera on the wall. Pure: made from what the watches say.

use askama::Template;
use jiff::Timestamp;

use super::language::Language;
use super::look::{Look, Tone};
use super::moment::Moment;
use super::strip::Strip;
use super::when::When;
use super::words::{Advice, Words};
use crate::camera::{Camera, CameraKind, Hearing, HearingState};
use crate::events::door::EventKind;
use crate::homeassistant::topics::Owner;

/// A camera on the wall. Two equal cards look the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Card {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) area: Option<String>,
    pub(super) doorbell: bool,
    pub(super) look: Look,
    pub(super) since: Option<When>,
    pub(super) picture: Option<Shot>,
    pub(super) strip: Strip,
    pub(super) last: Option<Last>,
    pub(super) today: u64,
    pub(super) this_week: u64,
    pub(super) active: bool,
    pub(super) dismissed: bool,
    pub(super) heard: Option<Heard>,
}

/// Whether the camera's own events are heard.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heard {
    /// In words; the next step, where there is one.
    pub(super) words: Advice,
    pub(super) well: bool,
    /// Somebody has to do something.
    pub(super) trouble: bool,
    pub(super) since: When,
    /// The subscription's own sentence.
    pub(super) exact: Option<String>,
}

/// A picture, told from others by its moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shot {
    /// Milliseconds since 1970: part of its address.
    pub(super) stamp: i64,
    pub(super) taken: When,
}

/// The last event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) kind: &'static str,
    pub(super) sign: &'static str,
    pub(super) text: Option<String>,
    pub(super) at: When,
    /// The row of the event whose picture it is.
    pub(super) picture: Option<i64>,
}

impl Card {
    pub(super) fn new(camera: &Camera, moment: &Moment, language: Language) -> Self {
        let words = language.words();
        let state = moment.statuses.get(&camera.id);
        let look = Look::new(camera, state, words);
        let history = moment.histories.get(&camera.id);
        let stretches = moment.timelines.get(&camera.id).map(|stretches| &**stretches).unwrap_or_default();
        Self {
            id: camera.id.to_string(),
            name: camera.name.clone(),
            area: camera.area.clone(),
            doorbell: camera.kind == CameraKind::Doorbell,
            since: state.filter(|_| look.tone != Tone::Idle).map(|state| When::new(state.since)),
            look,
            picture: moment.pictures.get(&camera.id).map(|picture| Shot::new(picture.taken_at)),
            strip: Strip::new(stretches, moment.now, language),
            last: history.and_then(|history| history.last.as_deref()).map(|last| Last {
                kind: kind_in_words(last.kind, words),
                sign: kind_sign(last.kind),
                text: last.description.clone(),
                at: When::new(last.timestamp),
                picture: last.picture,
            }),
            today: history.map_or(0, |history| history.today),
            this_week: history.map_or(0, |history| history.this_week),
            active: history.is_some_and(|history| history.active_until.is_some()),
            dismissed: moment.dismissed.contains(&Owner::Camera(camera.id.clone())),
            heard: moment.hearings.get(&camera.id).map(|state| Heard::new(state, words)),
        }
    }
}

impl Heard {
    fn new(state: &HearingState, words: &Words) -> Self {
        let idle = matches!(state.hearing, Hearing::Listening | Hearing::Unknown | Hearing::Off);
        Self {
            words: (words.hearing)(state.hearing),
            well: state.hearing == Hearing::Listening,
            trouble: !idle,
            since: When::new(state.since),
            exact: state.detail.clone(),
        }
    }
}

impl Shot {
    pub(super) fn new(taken_at: Timestamp) -> Self {
        Self { stamp: taken_at.as_millisecond(), taken: When::new(taken_at) }
    }
}

/// An event's kind in words.
pub(super) fn kind_in_words(kind: &str, words: &Words) -> &'static str {
    (words.kind)(EventKind::from_text(kind).unwrap_or(EventKind::Other))
}

/// The sign of an event's kind in the sprite.
pub(super) fn kind_sign(kind: &str) -> &'static str {
    match EventKind::from_text(kind).unwrap_or(EventKind::Other) {
        EventKind::Motion => "motion",
        EventKind::Person => "person",
        EventKind::Vehicle => "vehicle",
        EventKind::Package => "package",
        EventKind::Animal => "animal",
        EventKind::Sound => "sound",
        EventKind::Ring => "bell",
        EventKind::Other => "dot",
    }
}

/// A card as it stands on the wall.
#[derive(Template)]
#[template(path = "card.html")]
pub(super) struct CardTemplate<'a> {
    pub(super) w: &'a Words,
    pub(super) card: &'a Card,
}
