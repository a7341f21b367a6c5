//! Probes a snapshot URL: does a real image come? The picture is judged, not what wraps it: browsers and curl show what small cameras send,
//! however they count and name it, so the reader of HTTP here is our own (decision 0017).
//!
//! In: an `http` or `https` URL. Out: what was seen, or why nothing was. Invariant: a probe ends within [`LIMIT`], and takes a bounded amount
//! of memory whatever the camera sends. The password goes to the origin that the user entered, and to no other.

mod answer;
mod body;
mod found;
mod head;
mod verdict;

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use url::{Position, Url};

use self::answer::Answer;
use super::develop::Exposure;
use super::login::{Logins, Unanswered};
use super::place::Place;
use crate::camera::{Failure, Reason, Sighting};
use crate::credentials::Credentials;
use crate::picture::jpeg;

/// From the start of a probe to the last byte of the image, with all its requests.
const LIMIT: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: usize = 3;
/// A nonce may run out while it is used; twice in a row is a camera that we never satisfy.
const MAX_PROOFS: usize = 3;

/// Looks at one snapshot: what was seen, and the image.
pub(super) async fn probe(
    tls: &TlsConnector,
    logins: &Logins,
    url: &Url,
    credentials: Option<&Credentials>,
) -> Result<(Sighting, Exposure), Failure> {
    let started = Instant::now();
    let mut visit = Visit { tls, logins, credentials, place: Place::of(url)?, deadline: started + LIMIT };
    let answer = visit.fetch(url.clone()).await?;
    let latency = started.elapsed();
    let (codec, image) = visit.picture(answer)?;
    let resolution = found::size(&image).ok_or_else(|| visit.protocol(verdict::NO_IMAGE))?;
    let seen = Sighting { codec: Some(codec.to_owned()), resolution: Some(resolution), latency, ..Sighting::default() };
    Ok((seen, Exposure::File(image)))
}

/// The requests that one look at a camera takes.
struct Visit<'a> {
    tls: &'a TlsConnector,
    logins: &'a Logins,
    credentials: Option<&'a Credentials>,
    place: Place,
    deadline: Instant,
}

impl Visit<'_> {
    /// Asks until there is an answer that is no question and no direction.
    async fn fetch(&mut self, mut url: Url) -> Result<Answer, Failure> {
        let (mut redirects, mut proofs, mut proof) = (0, 0, None);
        loop {
            let answer = answer::ask(self.tls, &self.place, &url, proof.as_deref(), self.deadline).await?;
            match answer.head.status.unwrap_or(200) {
                200..=299 => return Ok(answer),
                401 => {
                    proof = Some(self.answer_question(&answer, &url, proofs)?);
                    proofs += 1;
                }
                301 | 302 | 303 | 307 | 308 => {
                    redirects += 1;
                    if redirects > MAX_REDIRECTS {
                        return Err(
                            self.protocol("sends us from address to address without end: check the snapshot's URL")
                        );
                    }
                    url = self.directed(&answer, &url)?;
                    self.place = Place::of(&url)?;
                    (proofs, proof) = (0, None);
                }
                status => return Err(self.refusal(status, proofs > 0)),
            }
        }
    }

    /// The proof for the next request. A login is called refused only when it was sent, understood and refused.
    fn answer_question(&self, answer: &Answer, url: &Url, proofs: usize) -> Result<String, Failure> {
        let Some(known) = self.credentials else { return Err(self.place.credentials_missing()) };
        let question = self.logins.read(&self.place, answer.head.all("www-authenticate"));
        match question {
            Ok(question) if proofs > 0 && !question.is_stale => Err(self.place.credentials_refused()),
            Ok(_) if proofs >= MAX_PROOFS => Err(self
                .protocol("finds every answer to its login question out of date: restart the camera, check its clock")),
            Ok(mut question) => question
                .answer(known, "GET", &url[Position::BeforePath..Position::AfterQuery])
                .map_err(|unanswered| unanswered.failure(&self.place)),
            Err(Unanswered::NotAsked) if proofs > 0 => Err(self.place.credentials_refused()),
            Err(unanswered) => Err(unanswered.failure(&self.place)),
        }
    }

    /// Where an answer directs us, if it is where the user sent us: a camera that directs us elsewhere would get to choose whom we give the
    /// password.
    fn directed(&self, answer: &Answer, from: &Url) -> Result<Url, Failure> {
        let to = answer.head.all("location").next().and_then(|to| from.join(to).ok());
        let Some(mut to) = to.filter(|to| is_same_origin(from, to)) else {
            let what = "sends us to another address, which we do not follow: enter that address as snapshot";
            return Err(self.protocol(what));
        };
        // A camera does not get to choose our login either. Both fail for URLs without a host only.
        let _cleared = (to.set_username(""), to.set_password(None));
        Ok(to)
    }

    fn refusal(&self, status: u16, had_proof: bool) -> Failure {
        match status {
            403 if had_proof => self.place.credentials_refused(),
            403 => Failure::new(
                Reason::Auth,
                format!(
                    "{} forbids the picture without asking for a password: check in the camera who may see it, and blocked addresses",
                    self.place
                ),
            ),
            404 | 410 => self.place.unknown_path(),
            300..=399 => self.protocol("sends us to another address, which we do not follow: check the snapshot's URL"),
            500.. => self.protocol(&format!(
                "answers with HTTP status {status}: it is busy or stumbles, restart it if that stays"
            )),
            _ => self.protocol(&format!("answers with HTTP status {status}: check the snapshot's URL")),
        }
    }

    /// The picture in an answer, complete as decoders want it.
    fn picture(&self, answer: Answer) -> Result<(&'static str, Bytes), Failure> {
        match &answer.found {
            Some(found) => {
                let image = Bytes::copy_from_slice(&answer.body.carried()[found.place.clone()]);
                Ok((found.codec, jpeg::with_tables(image)))
            }
            None => {
                let (reason, what) = verdict::no_picture(&answer);
                Err(Failure::new(reason, format!("{} {what}", self.place)))
            }
        }
    }

    fn protocol(&self, what: &str) -> Failure {
        Failure::new(Reason::Protocol, format!("{} {what}", self.place))
    }
}

/// Scheme, host and port (RFC 6454), or the way from plain to TLS on the ports that belong to them.
fn is_same_origin(from: &Url, to: &Url) -> bool {
    let (ours, theirs) = (from.port_or_known_default(), to.port_or_known_default());
    let is_upgrade = (from.scheme(), to.scheme(), ours, theirs) == ("http", "https", Some(80), Some(443));
    let is_same = from.scheme() == to.scheme() && ours == theirs;
    to.has_host() && from.host() == to.host() && (is_same || is_upgrade)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_origin_is_followed() {
        for (from, to, expected) in [
            ("http://10.0.0.5/a", "http://10.0.0.5:80/b", true),
            ("http://10.0.0.5/a", "http://a:b@10.0.0.5/b", true),
            ("http://10.0.0.5/a", "https://10.0.0.5/b", true),
            ("http://cam.local/a", "http://CAM.local/b", true),
            ("http://10.0.0.5:8080/a", "https://10.0.0.5/b", false),
            ("http://10.0.0.5/a", "https://10.0.0.5:8443/b", false),
            ("http://10.0.0.5/a", "http://10.0.0.5:8080/b", false),
            ("https://10.0.0.5/a", "http://10.0.0.5/b", false),
            ("http://10.0.0.5/a", "http://10.0.0.6/b", false),
            ("http://10.0.0.5/a", "http://10.0.0.5@10.0.0.6/b", false),
            ("http://10.0.0.5/a", "file:///etc/passwd", false),
            ("http://10.0.0.5/a", "javascript:alert(1)", false),
            ("http://[::1]/a", "http://[::ffff:7f00:1]/b", false),
        ] {
            let expected_of =
                |from: &str, to: &str| is_same_origin(&Url::parse(from).unwrap(), &Url::parse(to).unwrap());
            assert_eq!(expected_of(from, to), expected, "{from} -> {to}");
        }
    }
}
