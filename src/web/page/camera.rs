//! `GET /cameras/{id}`: everything about one camera, and its pictures.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::Page;
use super::answer::{self, Problem};
use super::card::{Card, kind_in_words, kind_sign};
use super::fragments::marks;
use super::frame::{Frame, Visit};
use super::language::Language;
use super::moment::Moment;
use super::recipe::{Door, Recipe};
use super::when::When;
use super::words::{Words, fill};
use crate::camera::{Camera, CameraId, CameraState, HearingState, LastProbe};
use crate::events::outbox::PastEvent;
use crate::homeassistant::topics::Owner;

/// How many events are shown.
const EVENTS: usize = 50;
/// The events' port inside the container.
const EVENTS_PORT: &str = "8098/tcp";

#[derive(Template)]
#[template(path = "camera.html")]
struct CameraTemplate {
    frame: Frame,
    card: Card,
    /// Of the fragments that tell that this page is old.
    marks: String,
    picture_of: String,
    obstacle: Option<String>,
    figures: Vec<(&'static str, String)>,
    last_frame: Option<When>,
    /// What the camera tells and we do not know, with how often.
    unknown: Vec<(String, u64)>,
    last_look: Option<LastLook>,
    events: Result<Vec<ShownEvent>, String>,
    recipe: Recipe,
    discovery: Option<Sent>,
}

struct LastLook {
    at: When,
    result: String,
    exact: Option<String>,
}

struct ShownEvent {
    row: i64,
    kind: &'static str,
    sign: &'static str,
    at: When,
    text: Option<String>,
    delivered: bool,
    has_picture: bool,
}

struct Sent {
    at: When,
    topic: String,
    json: String,
}

/// `GET /cameras/{id}`.
pub(super) async fn get(State(page): State<Page>, Path(id): Path<String>, visit: Visit) -> Response {
    let moment = Moment::of(&page.feeds);
    let Some(camera) = CameraId::new(&id).ok().and_then(|id| moment.inventory.get(&id).cloned()) else {
        return Problem::NoCamera.answer(&page, &visit);
    };
    let events = page.feeds.outbox.recent(&camera.id, EVENTS).await;
    let (w, language) = (visit.words(), visit.language);
    let state = moment.statuses.get(&camera.id);
    let sighting = state.and_then(|state| state.sighting.as_ref());
    answer::page(&CameraTemplate {
        marks: marks(&camera, &moment, language),
        picture_of: fill(w.picture_of, &[&camera.name]),
        obstacle: sighting.and_then(|sighting| sighting.obstacle()).map(|obstacle| obstacle.to_string()),
        figures: figures(&camera, state, language),
        unknown: moment.hearings.get(&camera.id).map_or_else(Vec::new, unknown_topics),
        last_frame: state.and_then(|state| state.last_frame_at).map(When::new),
        last_look: moment.probes.get(&camera.id).map(|probe| LastLook::new(probe, language)),
        events: events
            .map(|events| events.iter().map(|event| ShownEvent::new(event, w)).collect())
            .map_err(|error| error.to_string()),
        recipe: recipe(&page, &camera, &visit),
        discovery: discovery(&page, &camera.id),
        card: Card::new(&camera, &moment, language),
        frame: page.frame(&visit),
    })
}

/// `GET /cameras/{id}/picture.jpg`.
pub(super) async fn picture(State(page): State<Page>, Path(id): Path<String>, visit: Visit) -> Response {
    let known = CameraId::new(&id).ok().and_then(|id| page.feeds.pictures.borrow().get(&id).cloned());
    let Some(picture) = known else { return Problem::NoCamera.answer(&page, &visit) };
    let lasting = visit.asks("at") == Some(picture.taken_at.as_millisecond().to_string().as_str());
    answer::picture(picture.jpeg, lasting)
}

/// `GET /cameras/{id}/events/{row}.jpg`.
pub(super) async fn event_picture(
    State(page): State<Page>,
    Path((id, file)): Path<(String, String)>,
    visit: Visit,
) -> Response {
    let row = file.strip_suffix(".jpg").and_then(|row| row.parse().ok());
    let (Ok(id), Some(row)) = (CameraId::new(&id), row) else { return Problem::NoPage.answer(&page, &visit) };
    match page.feeds.outbox.picture_of(&id, row).await {
        Ok(Some(jpeg)) => answer::picture(jpeg, true),
        Ok(None) => Problem::NoPage.answer(&page, &visit),
        Err(error) => Problem::Failed(error.to_string()).answer(&page, &visit),
    }
}

fn unknown_topics(state: &HearingState) -> Vec<(String, u64)> {
    state.unknown.iter().map(|(topic, count)| (topic.clone(), *count)).collect()
}

fn figures(camera: &Camera, state: Option<&CameraState>, language: Language) -> Vec<(&'static str, String)> {
    let w = language.words();
    let mut figures = Vec::new();
    if let Some(seen) = state.and_then(|state| state.sighting.as_ref()) {
        let missing = || w.not_measured.to_owned();
        let fps = |fps| fill(w.frames_per_second, &[&language.number(f64::from(fps), 1)]);
        figures.push((w.codec, seen.codec.as_deref().map_or_else(missing, str::to_uppercase)));
        let size = seen.resolution.map_or_else(missing, |(width, height)| format!("{width} × {height}"));
        figures.push((w.resolution, size));
        figures.push((w.latency, format!("{} ms", seen.latency.as_millis())));
        // A picture by http has neither.
        figures.extend(seen.fps.map(|rate| (w.frame_rate, fps(rate))));
        figures.extend(seen.bitrate.map(|bits| (w.bitrate, bitrate(bits, language))));
    }
    figures.push((w.checked_every, format!("{} s", camera.check_every.as_secs())));
    figures
}

#[expect(clippy::cast_precision_loss, reason = "it is rounded to one digit")]
fn bitrate(bits: u64, language: Language) -> String {
    match bits {
        0..1_000_000 => format!("{} kbit/s", bits / 1_000),
        _ => format!("{} Mbit/s", language.number(bits as f64 / 1e6, 1)),
    }
}

fn recipe(page: &Page, camera: &Camera, visit: &Visit) -> Recipe {
    let shown = (visit.asks("token") == Some("show")).then(|| page.feeds.token.get());
    let token = shown.as_ref().map(|token| token.secret().expose_secret());
    Recipe::new(camera, &door(page, visit), token)
}

/// Where senders find the door: by the name that this browser uses, and by the port that the user gave it.
fn door(page: &Page, visit: &Visit) -> Door {
    let listen = page.feeds.events_listen;
    if !page.feeds.app_mode {
        let host = match listen.ip() {
            ip if ip.is_unspecified() => visit.host.clone().unwrap_or_else(|| ip.to_string()),
            ip if ip.is_ipv6() => format!("[{ip}]"),
            ip => ip.to_string(),
        };
        return Door { host, port: listen.port(), closed: None };
    }
    let host = visit.host.clone().unwrap_or_else(|| "homeassistant.local".to_owned());
    let surroundings = page.feeds.surroundings.borrow();
    let mapped = surroundings.app.as_ref().and_then(|app| app.network.get(EVENTS_PORT).copied().flatten());
    Door { host, port: mapped.unwrap_or(listen.port()), closed: mapped.is_none().then_some(visit.words().send_port) }
}

fn discovery(page: &Page, camera: &CameraId) -> Option<Sent> {
    let announced = page.feeds.announced.borrow().clone()?;
    let (topic, json) = announced.config(&page.feeds.topics, &Owner::Camera(camera.clone()))?;
    let pretty = serde_json::from_str::<Value>(&json).and_then(|value| serde_json::to_string_pretty(&value));
    Some(Sent { at: When::new(announced.at), topic, json: pretty.unwrap_or(json) })
}

impl LastLook {
    fn new(probe: &LastProbe, language: Language) -> Self {
        let w = language.words();
        let at = When::new(probe.at);
        match &probe.outcome {
            Ok(latency) => Self { at, result: format!("{} ({} ms)", w.look_good, latency.as_millis()), exact: None },
            Err(failure) => Self { at, result: w.look_failed.to_owned(), exact: Some(failure.detail.clone()) },
        }
    }
}

impl ShownEvent {
    fn new(event: &PastEvent, words: &Words) -> Self {
        Self {
            row: event.row,
            kind: kind_in_words(event.kind, words),
            sign: kind_sign(event.kind),
            at: When::new(event.timestamp),
            text: description(&event.body),
            delivered: event.delivered,
            has_picture: event.has_picture,
        }
    }
}

/// The sender's words, from the body as it stands on the topic.
fn description(body: &str) -> Option<String> {
    match serde_json::from_str::<Value>(body).ok()?.get("description")? {
        Value::String(text) if !text.is_empty() => Some(text.chars().take(500).collect()),
        _ => None,
    }
}
