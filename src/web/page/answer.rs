//! Answers: pages, pictures, redirects and problems, in the form that the ingress leaves as it is.

use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::Page;
use super::assets::FOR_EVER;
use super::fragments::render;
use super::frame::{Frame, Visit};
use super::guard::Refusal;

/// No charset: the ingress takes parameters away, so the page says it itself.
const HTML: &str = "text/html";

/// A whole page.
pub(super) fn page(template: &impl Template) -> Response {
    let headers = [(CONTENT_TYPE, HTML), (CACHE_CONTROL, "no-store"), (VARY, "Accept-Language")];
    (headers, render(template)).into_response()
}

/// A JPEG. One whose address says its content can be kept.
pub(super) fn picture(jpeg: Bytes, lasting: bool) -> Response {
    let cache = if lasting { FOR_EVER } else { "no-store" };
    ([(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, cache)], jpeg).into_response()
}

/// To another page, after something was done. Relative, for the prefix of the ingress is not ours to know.
pub(super) fn see(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    (StatusCode::SEE_OTHER, [(LOCATION, location), (CACHE_CONTROL, HeaderValue::from_static("no-store"))])
        .into_response()
}

/// Something that did not go well, in words.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemTemplate {
    frame: Frame,
    title: &'static str,
    text: &'static str,
    exact: Option<String>,
}

/// What did not go well.
#[derive(Debug)]
pub(super) enum Problem {
    /// No page has this address.
    NoPage,
    /// No camera has this id.
    NoCamera,
    /// A form that is not obeyed.
    Refused(Refusal),
    /// It was tried.
    Failed(String),
    /// Somebody who would do it is gone.
    Busy,
}

impl Problem {
    pub(super) fn answer(self, page: &Page, visit: &Visit) -> Response {
        let w = visit.words();
        let (status, title, text, exact) = match self {
            Self::NoPage => (StatusCode::NOT_FOUND, w.not_found, w.not_found_text, None),
            Self::NoCamera => (StatusCode::NOT_FOUND, w.no_such_camera, w.no_such_camera_text, None),
            Self::Refused(Refusal::Stale) => (StatusCode::FORBIDDEN, w.stale_form, w.stale_form_text, None),
            Self::Refused(Refusal::Foreign) => (StatusCode::FORBIDDEN, w.foreign_form, w.foreign_form_text, None),
            Self::Failed(exact) => (StatusCode::SERVICE_UNAVAILABLE, w.failed, "", Some(exact)),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, w.busy, w.busy_text, None),
        };
        let mut answer = self::page(&ProblemTemplate { frame: page.frame(visit), title, text, exact });
        *answer.status_mut() = status;
        answer
    }
}
