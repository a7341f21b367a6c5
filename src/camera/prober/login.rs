//! How a camera asks for a password, and what it is answered (RFC 7617 Basic, RFC 7616 Digest; the same for HTTP and RTSP).
//!
//! In: the `WWW-Authenticate` lines of an answer. Out: the value of an `Authorization` line, or why there is none. Invariant: a place that
//! has once asked for a password by Digest is never sent it by Basic, which is readable for everybody on the way.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_auth::digest::DigestClient;
use http_auth::{ChallengeRef, ParamValue, PasswordParams};
use secrecy::ExposeSecret;

use super::place::Place;
use crate::camera::{Failure, Reason};
use crate::credentials::Credentials;

/// More places than any installation has; beyond it, new ones are not remembered.
const MOST_PLACES: usize = 4_096;

/// The places that have asked by Digest since the start. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Logins(Arc<Mutex<HashSet<String>>>);

/// Why a password was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// A 401 without a question.
    NotAsked,
    /// Neither Basic nor Digest, or not to be read.
    NotUnderstood,
    /// By Basic, after it was by Digest.
    Downgraded,
}

/// A question that can be answered, for as many requests as the camera lets it count.
pub(super) struct Question {
    way: Way,
    /// The proof was right, but made of a nonce that has run out.
    pub(super) is_stale: bool,
}

enum Way {
    Basic,
    Digest(DigestClient),
}

impl Logins {
    /// Reads what a camera asks, all its lines together; the strongest that is understood counts.
    pub(super) fn read<'a>(
        &self,
        place: &Place,
        lines: impl IntoIterator<Item = &'a str>,
    ) -> Result<Question, Unanswered> {
        let challenges: Vec<Challenge> = lines.into_iter().flat_map(challenges).collect();
        if challenges.is_empty() {
            return Err(Unanswered::NotAsked);
        }
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = place.to_string();
        if let Some(question) = challenges.iter().find_map(Challenge::digest) {
            if asked.len() < MOST_PLACES {
                asked.insert(place);
            }
            return Ok(question);
        }
        match challenges.iter().any(|challenge| challenge.scheme.eq_ignore_ascii_case("basic")) {
            true if asked.contains(&place) => Err(Unanswered::Downgraded),
            true => Ok(Question { way: Way::Basic, is_stale: false }),
            false => Err(Unanswered::NotUnderstood),
        }
    }
}

impl Question {
    /// The random value that a proof by Digest holds. `None` for Basic, which proves by the password itself.
    pub(super) fn nonce(&self) -> Option<&str> {
        match &self.way {
            Way::Basic => None,
            Way::Digest(client) => Some(client.nonce()),
        }
    }

    /// The value of the `Authorization` line for one request.
    pub(super) fn answer(&mut self, known: &Credentials, method: &str, uri: &str) -> Result<String, Unanswered> {
        let (username, password) = (known.username.as_str(), known.password.expose_secret());
        match &mut self.way {
            Way::Basic => Ok(format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{password}")))),
            Way::Digest(client) => client
                .respond(&PasswordParams { username, password, uri, method, body: Some(&[]) })
                .map_err(|_its_text_is_no_help| Unanswered::NotUnderstood),
        }
    }
}

impl Unanswered {
    /// What to tell the user. None of these is a wrong password.
    pub(super) fn failure(self, place: &Place) -> Failure {
        let what = match self {
            Self::NotAsked => {
                "says that a login is needed but does not ask for one, so the password was not sent: restart the camera, check its \
                 login settings"
            }
            Self::NotUnderstood => {
                "asks for the password in a way that is not understood, neither Basic nor Digest, so it was not sent: change that in \
                 the camera"
            }
            Self::Downgraded => {
                "now asks for the password in the clear (Basic) where it asked for it safely (Digest) before, so it was not sent: if \
                 that was changed in the camera, restart Camera Herald, else check who answers at this address"
            }
        };
        Failure::new(Reason::Protocol, format!("{place} {what}"))
    }
}

/// One challenge: its scheme, and its parameters as they are between their quotes.
#[derive(Debug, Default, PartialEq)]
struct Challenge<'a> {
    scheme: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl Challenge<'_> {
    fn digest(&self) -> Option<Question> {
        if !self.scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let mut challenge = ChallengeRef::new(self.scheme);
        for (name, value) in &self.parameters {
            // Some send an empty qop where they mean none; of two the first counts.
            let is_empty = value.trim().is_empty() && !name.eq_ignore_ascii_case("realm");
            let is_second = challenge.params.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
            if !is_empty && !is_second {
                challenge.params.push((name, ParamValue::try_from_escaped(value).ok()?));
            }
        }
        if !challenge.params.iter().any(|(name, _)| name.eq_ignore_ascii_case("realm")) {
            challenge.params.push(("realm", ParamValue::try_from_escaped("").ok()?));
        }
        let is_stale = self
            .parameters
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case("stale") && value.trim().eq_ignore_ascii_case("true"));
        let way = Way::Digest(DigestClient::try_from(&challenge).ok()?);
        Some(Question { way, is_stale })
    }
}

/// The challenges of one line. Cameras leave commas and quotes out, and put spaces where none belong.
fn challenges(line: &str) -> Vec<Challenge<'_>> {
    let mut found: Vec<Challenge<'_>> = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',', ';']);
        let end = rest.find([' ', '\t', ',', ';', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if let Some(value) = after.trim_start().strip_prefix('=').filter(|_| !word.is_empty()) {
            let (value, after) = parameter(value.trim_start());
            if let Some(challenge) = found.last_mut() {
                challenge.parameters.push((word, value));
            }
            rest = after;
        } else if word.is_empty() {
            // A stray `=`, or the end.
            let Some(after) = rest.get(1..) else { return found };
            rest = after;
        } else {
            found.push(Challenge { scheme: word, parameters: Vec::new() });
            rest = after;
        }
    }
}

/// A parameter's value, and what follows it.
fn parameter(text: &str) -> (&str, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let value = &text[..text.find([',', ';']).unwrap_or(text.len())];
        // `realm=IP Camera` is one value, `realm=cam nonce=abc` is two.
        let next = value.find('=').and_then(|equals| value[..equals].trim_end().rfind([' ', '\t']));
        let (value, after) = text.split_at(next.unwrap_or(value.len()));
        return (value.trim_end(), after);
    };
    let mut escaped = false;
    let end = quoted.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    match end {
        Some(end) => (&quoted[..end], &quoted[end + 1..]),
        None => (quoted, ""),
    }
}

#[cfg(test)]
mod tests;
