//! One request to a camera and its answer: HTTP, logins, faults.
//!
//! Invariant: an answer takes at most [`MOST_BYTES`] of memory, and ends within the limit of its request.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use url::{Position, Url};

use super::clock::Clock;
use super::envelope::Request;
use super::login::Login;
use super::trouble::{Kind, Trouble};
use super::xml;
use crate::camera::prober::place::Place;

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// For everything that a camera answers at once.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
/// The longest answers are profiles: some hundred kilobytes for a recorder.
const MOST_BYTES: usize = 1_024 * 1_024;

/// The HTTP client for ONVIF: any certificate, since cameras sign their own; no redirects, since a camera would choose whom we give
/// the password.
pub(crate) fn client() -> Client {
    crate::tls::install_provider();
    Client::builder()
        .no_proxy()
        .tls_danger_accept_invalid_certs(true)
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_LIMIT)
        // Small cameras serve few connections, and close idle ones without a word.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("Camera Herald/", env!("CARGO_PKG_VERSION")))
        .build()
        .expect("a client that needs no root certificates always builds")
}

/// A camera on the wire.
pub(super) struct Wire {
    pub(super) http: Client,
    pub(super) place: Place,
    pub(super) login: Login,
    pub(super) clock: Clock,
}

impl Wire {
    /// The answer's text.
    pub(super) async fn ask(&mut self, request: &Request<'_>) -> Result<String, Trouble> {
        let answer = self.open(request, LIMIT).await?;
        self.whole(answer).await
    }

    /// The same without a login: the clock has to be known before one can be made.
    pub(super) async fn ask_as_nobody(&self, request: &Request<'_>) -> Result<String, Trouble> {
        let envelope = request.envelope("", rand::random());
        let answer = self.send(request, envelope, None, LIMIT).await?;
        if !answer.status().is_success() {
            return Err(self.fault_of(answer).await);
        }
        self.whole(answer).await
    }

    /// An answer that is no fault, not read yet. Logs in as the camera wants it.
    pub(super) async fn open(&mut self, request: &Request<'_>, limit: Duration) -> Result<Response, Trouble> {
        let mut challenged = false;
        loop {
            let security = self.login.security(&self.clock.written(Timestamp::now()));
            let envelope = request.envelope(&security, rand::random());
            let uri = &request.to[Position::BeforePath..Position::AfterQuery];
            let authorization = self.login.authorization(uri, envelope.as_bytes());
            let answer = self.send(request, envelope, authorization, limit).await?;
            if answer.status().is_success() {
                return Ok(answer);
            }
            if answer.status() == StatusCode::UNAUTHORIZED && !challenged && self.login.challenged(&challenges(&answer))
            {
                challenged = true;
                continue;
            }
            let trouble = match answer.status() {
                StatusCode::UNAUTHORIZED => Trouble::refused(&self.place, self.login.is_known()),
                _ => self.fault_of(answer).await,
            };
            if trouble.kind == Kind::Refused && self.login.refused() {
                continue;
            }
            if trouble.kind == Kind::Refused {
                self.login.begin_again();
            }
            return Err(trouble);
        }
    }

    async fn send(
        &self,
        request: &Request<'_>,
        envelope: String,
        authorization: Option<String>,
        limit: Duration,
    ) -> Result<Response, Trouble> {
        let content = format!("application/soap+xml; charset=utf-8; action=\"{}\"", request.action);
        let mut post = self.http.post(request.to.clone()).timeout(limit).header(CONTENT_TYPE, content);
        if let Some(authorization) = authorization {
            post = post.header(AUTHORIZATION, authorization);
        }
        match post.body(envelope).send().await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.explain(request.to, &error).await),
        }
    }

    async fn whole(&self, mut answer: Response) -> Result<String, Trouble> {
        let mut bytes = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() > MOST_BYTES => {
                    return Err(Trouble::broken(
                        &self.place,
                        "sends an answer of more than 1 MiB: please report its model",
                    ));
                }
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(_cut_short) => return Err(Trouble::closed(&self.place)),
            }
        }
        // Names in other encodings than the declared one are common, and of no importance.
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn fault_of(&self, answer: Response) -> Trouble {
        let status = answer.status();
        let text = match self.whole(answer).await {
            Ok(text) => text,
            Err(trouble) => return trouble,
        };
        self.fault_in(&text).unwrap_or_else(|| match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Trouble::refused(&self.place, self.login.is_known()),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Trouble::not_offered(&self.place, "service"),
            status => Trouble::broken(
                &self.place,
                &format!("answers ONVIF with HTTP status {}: check the host and its port", status.as_u16()),
            ),
        })
    }

    /// The fault inside an answer, whatever its HTTP status was.
    pub(super) fn fault_in(&self, text: &str) -> Option<Trouble> {
        let document = xml::parse(text).ok()?;
        let fault = xml::find(document.root_element(), "Fault")?;
        Some(Trouble::of_fault(&self.place, fault, self.login.is_known()))
    }

    /// The cause of an HTTP error, in words for a user.
    pub(super) async fn explain(&self, url: &Url, error: &reqwest::Error) -> Trouble {
        if error.is_connect() {
            if let Some(failure) = self.place.diagnose().await {
                return Trouble::unreachable(failure);
            }
            let what = match url.scheme() {
                "https" => "starts no TLS that we understand: enter the host without https://, or another port",
                _ => "accepts connections, but not at once: check the camera's network",
            };
            return Trouble { kind: Kind::Unreachable, ..Trouble::broken(&self.place, what) };
        }
        if error.is_timeout() {
            return Trouble::unreachable(self.place.silent());
        }
        Trouble::closed(&self.place)
    }
}

fn challenges(answer: &Response) -> String {
    let asked = answer.headers().get_all(WWW_AUTHENTICATE);
    asked.iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(", ")
}
