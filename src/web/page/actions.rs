//! The buttons. Each does one thing and leads back to a page that says so; what cannot be undone has a page in between.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::mpsc::error::TrySendError;

use super::Page;
use super::answer::{self, Problem};
use super::frame::{Frame, Visit};
use super::guard::Form;
use super::words::fill;
use crate::camera::CameraId;
use crate::camera::prober::ProbeRequest;

/// A page between a button and what it does.
#[derive(Template)]
#[template(path = "step.html")]
struct StepTemplate {
    frame: Frame,
    title: &'static str,
    text: String,
    list: Vec<String>,
    /// The form's address.
    action: &'static str,
    confirm: Option<&'static str>,
}

type Answer = Result<Response, Problem>;

/// `POST /actions/probe`: look at all cameras.
pub(super) async fn probe_all(State(page): State<Page>, visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    let done = checked(&page, &headers, &body).and_then(|_form| {
        probe(&page, ProbeRequest::All)?;
        Ok(answer::see("../?done=probe_all"))
    });
    answer_of(done, &page, &visit)
}

/// `POST /cameras/{id}/probe`: look at this one.
pub(super) async fn probe_one(
    State(page): State<Page>,
    Path(id): Path<String>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let done = checked(&page, &headers, &body).and_then(|_form| {
        let camera = known(&page, &id)?;
        let back = format!("../{camera}?done=probe");
        probe(&page, ProbeRequest::One(camera))?;
        Ok(answer::see(&back))
    });
    answer_of(done, &page, &visit)
}

/// `POST /actions/announce`.
pub(super) async fn announce(State(page): State<Page>, visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    let done = async {
        checked(&page, &headers, &body)?;
        page.feeds.mirror.announce().map_err(|error| Problem::Failed(error.to_string()))?;
        Ok(answer::see("../?done=announce"))
    };
    answer_of(done.await, &page, &visit)
}

/// `GET /actions/ghosts`: looks for them and shows them.
pub(super) async fn ghosts(State(page): State<Page>, visit: Visit) -> Response {
    let list = match page.feeds.mirror.look().await {
        Ok(found) => found.ghosts,
        Err(error) => return Problem::Failed(error.to_string()).answer(&page, &visit),
    };
    let w = visit.words();
    let (text, confirm) = match list.len() {
        0 => (w.ghosts_none.to_owned(), None),
        count => (fill(w.ghosts_found, &[&count]), Some(w.ghosts_clear)),
    };
    answer::page(&StepTemplate { frame: page.frame(&visit), title: w.ghosts, text, list, action: "ghosts", confirm })
}

/// `POST /actions/ghosts`: clears those that were shown.
pub(super) async fn clear_ghosts(State(page): State<Page>, visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    let done = async {
        let shown = checked(&page, &headers, &body)?.all("topic");
        page.feeds.mirror.clear(shown).await.map_err(|error| Problem::Failed(error.to_string()))?;
        Ok(answer::see("../?done=ghosts"))
    };
    answer_of(done.await, &page, &visit)
}

/// `GET /actions/token`: says what a new token means.
pub(super) async fn token(State(page): State<Page>, visit: Visit) -> Response {
    let w = visit.words();
    answer::page(&StepTemplate {
        frame: page.frame(&visit),
        title: w.token,
        text: w.token_warning.to_owned(),
        list: Vec::new(),
        action: "token",
        confirm: Some(w.token_confirm),
    })
}

/// `POST /actions/token`: makes one.
pub(super) async fn rotate(State(page): State<Page>, visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    let done = async {
        checked(&page, &headers, &body)?;
        page.feeds.token.rotate().await.map_err(|error| Problem::Failed(error.to_string()))?;
        tracing::info!("The event token was replaced from the page; senders need the new one");
        Ok(answer::see("../?done=token"))
    };
    answer_of(done.await, &page, &visit)
}

fn checked(page: &Page, headers: &HeaderMap, body: &[u8]) -> Result<Form, Problem> {
    let form = Form::parse(body);
    page.guard.check(headers, &form).map_err(Problem::Refused)?;
    Ok(form)
}

fn known(page: &Page, id: &str) -> Result<CameraId, Problem> {
    let id = CameraId::new(id).map_err(|_no_id| Problem::NoCamera)?;
    let known = page.feeds.inventory.borrow().get(&id).is_some();
    if known { Ok(id) } else { Err(Problem::NoCamera) }
}

fn probe(page: &Page, request: ProbeRequest) -> Result<(), Problem> {
    match page.feeds.prober.try_send(request) {
        // Requests that the prober has not taken yet will be answered by the same probes.
        Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
        Err(TrySendError::Closed(_)) => Err(Problem::Busy),
    }
}

fn answer_of(done: Answer, page: &Page, visit: &Visit) -> Response {
    done.unwrap_or_else(|problem| problem.answer(page, visit))
}
