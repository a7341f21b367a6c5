//! The page in Home Assistant's sidebar: see at a glance that everything is true, and what to do when it is not.
//!
//! In: [`Feeds`], which everything that is shown and every button comes from. Out: a router, and the task that renders for open
//! pages. Invariants: everything works without the script, under any prefix and without knowing it; nothing is shown that was not
//! escaped; a button needs a form of ours, and what cannot be undone a second step.

mod actions;
mod answer;
mod assets;
mod camera;
mod card;
mod chain;
mod filters;
mod fragments;
mod frame;
mod guard;
pub(crate) mod language;
mod live;
mod look;
mod moment;
mod recipe;
mod stream;
mod strip;
mod verdict;
mod wall;
mod when;
pub(crate) mod words;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{get, post};

use self::answer::Problem;
use self::frame::{Frame, Visit};
use self::guard::Guard;
pub use self::live::Renderer;
use self::live::Viewers;
use crate::web::feeds::Feeds;

/// More than any form or list of marks of ours has.
const BODY: usize = 1 << 20;

/// Pages that are live at once. The Supervisor has 100 connections for the pages of all apps.
const IN_APP_MODE: usize = 50;
const ELSEWHERE: usize = 1_000;

/// What all requests share. Cheap to clone.
#[derive(Clone)]
struct Page {
    feeds: Feeds,
    viewers: Viewers,
    guard: Guard,
    /// Tells this run of the program from others.
    instance: String,
}

impl Page {
    fn frame(&self, visit: &Visit) -> Frame {
        Frame::new(visit, self.guard.secret().to_owned(), self.instance.clone())
    }
}

/// The page's addresses, and the task that keeps open pages up to date.
pub fn new(feeds: Feeds) -> (Router, Renderer) {
    let viewers = Viewers::new(if feeds.app_mode { IN_APP_MODE } else { ELSEWHERE });
    let renderer = Renderer::new(feeds.clone(), viewers.clone());
    let instance = format!("{:016x}", rand::random::<u64>());
    let page = Page { feeds, viewers, guard: Guard::new(), instance };
    let router = Router::new()
        .route("/", get(wall::get))
        .route("/cameras/{id}", get(camera::get))
        .route("/cameras/{id}/picture.jpg", get(camera::picture))
        .route("/cameras/{id}/events/{file}", get(camera::event_picture))
        .route("/cameras/{id}/probe", post(actions::probe_one))
        .route("/actions/probe", post(actions::probe_all))
        .route("/actions/announce", post(actions::announce))
        .route("/actions/ghosts", get(actions::ghosts).post(actions::clear_ghosts))
        .route("/actions/token", get(actions::token).post(actions::rotate))
        .route("/live", get(stream::everything).post(stream::what_differs))
        .route("/assets/{file}", get(assets::get))
        .fallback(no_page)
        .method_not_allowed_fallback(no_page)
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(page);
    (router, renderer)
}

async fn no_page(State(page): State<Page>, visit: Visit) -> Response {
    Problem::NoPage.answer(&page, &visit)
}
