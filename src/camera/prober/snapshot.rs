//! Probes a snapshot URL: does a real image come?
//!
//! In: an `http` or `https` URL. Out: what was seen, or why nothing was. Invariant: a probe ends within [`LIMIT`] plus a
//! diagnosis, and takes at most [`MAX_BYTES`] of memory whatever the camera sends.

use std::io::Cursor;
use std::time::Duration;

use http_auth::{PasswordClient, PasswordParams};
use image::{ImageFormat, ImageReader};
use memchr::memmem;
use reqwest::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode};
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout};
use url::{Position, Url};

use super::develop::Exposure;
use super::place::Place;
use super::tls::tls_failure;
use crate::camera::{Failure, Reason, Sighting};
use crate::credentials::Credentials;
use crate::picture::jpeg;

/// From the start of a probe to the last byte of the image.
const LIMIT: Duration = Duration::from_secs(10);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// The largest JPEG that a 4K camera makes is about half of this.
const MAX_BYTES: usize = 8 * 1024 * 1024;
const MAX_REDIRECTS: usize = 3;

/// The HTTP client for cameras: it trusts any certificate, for the reasons given in [`super::tls`].
pub(super) fn client() -> Client {
    crate::tls::install_provider();
    Client::builder()
        .no_proxy()
        .tls_danger_accept_invalid_certs(true)
        .redirect(Policy::custom(same_host_only))
        .referer(false)
        .connect_timeout(CONNECT_LIMIT)
        .timeout(LIMIT)
        // No connection is kept between probes: small cameras serve few.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("Camera Herald/", env!("CARGO_PKG_VERSION")))
        .build()
        .expect("a client that needs no root certificates always builds")
}

/// A camera that sends us elsewhere would get to choose whom we give the password; and never from TLS to plain.
fn same_host_only(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let previous = attempt.previous();
    let follow = previous.len() <= MAX_REDIRECTS
        && previous.first().is_some_and(|asked| {
            asked.host() == attempt.url().host() && (asked.scheme() != "https" || attempt.url().scheme() == "https")
        });
    if follow { attempt.follow() } else { attempt.stop() }
}

/// Looks at one snapshot: what was seen, and the image.
pub(super) async fn probe(
    client: &Client,
    url: &Url,
    credentials: Option<&Credentials>,
) -> Result<(Sighting, Exposure), Failure> {
    let place = &Place::of(url)?;
    let visit = Visit { client, place, credentials };
    let started = Instant::now();
    let image = match timeout(LIMIT, visit.fetch(url)).await {
        Ok(Ok(image)) => image,
        Ok(Err(Trouble::Known(failure))) => return Err(failure),
        Ok(Err(Trouble::Http(error))) => return Err(visit.explain(url, &error).await),
        Err(_) => return Err(visit.too_slow()),
    };
    let latency = started.elapsed();
    let (codec, resolution) = recognise(&image).map_err(|what| visit.protocol(what))?;
    let seen = Sighting { codec: Some(codec.to_owned()), resolution: Some(resolution), latency, ..Sighting::default() };
    Ok((seen, Exposure::File(jpeg::with_tables(image.into()))))
}

/// One request to a camera, with the second one that a password takes.
struct Visit<'a> {
    client: &'a Client,
    place: &'a Place,
    credentials: Option<&'a Credentials>,
}

/// Why no image came: understood, or still to be explained.
enum Trouble {
    Known(Failure),
    Http(reqwest::Error),
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        // Queries carry tokens.
        Self::Http(error.without_url())
    }
}

impl Visit<'_> {
    async fn fetch(&self, url: &Url) -> Result<Vec<u8>, Trouble> {
        let mut answer = self.client.get(url.clone()).send().await?;
        if answer.status() == StatusCode::UNAUTHORIZED
            && let Some(credentials) = self.credentials
        {
            // Where the redirects ended: that is who asks.
            let asked = answer.url().clone();
            let proof = self.answer_challenge(credentials, &asked, answer.headers()).map_err(Trouble::Known)?;
            answer = self.client.get(asked).header(AUTHORIZATION, proof).send().await?;
        }
        self.check_status(answer.status()).map_err(Trouble::Known)?;
        self.read(answer).await
    }

    fn answer_challenge(&self, known: &Credentials, url: &Url, headers: &HeaderMap) -> Result<String, Failure> {
        let challenges: Vec<_> =
            headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).collect();
        let parameters = PasswordParams {
            username: &known.username,
            password: known.password.expose_secret(),
            uri: &url[Position::BeforePath..Position::AfterQuery],
            method: "GET",
            body: Some(&[]),
        };
        PasswordClient::try_from(challenges.join(", ").as_str())
            .and_then(|mut client| client.respond(&parameters))
            .map_err(|_| {
                self.protocol(
                    "asks for a password in a way that is neither Basic nor Digest: change that in the camera",
                )
            })
    }

    fn check_status(&self, status: StatusCode) -> Result<(), Failure> {
        Err(match status.as_u16() {
            200 => return Ok(()),
            401 if self.credentials.is_none() => self.place.credentials_missing(),
            401 | 403 => self.place.credentials_refused(),
            404 => self.place.unknown_path(),
            300..=399 => {
                self.protocol("sends us to another address, which we do not follow: enter that address as snapshot")
            }
            other => self.protocol(&format!("answers with HTTP status {other}: check the snapshot's URL")),
        })
    }

    async fn read(&self, mut answer: Response) -> Result<Vec<u8>, Trouble> {
        let mut image = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if image.len() + chunk.len() > MAX_BYTES {
                return Err(Trouble::Known(self.protocol("sends more than 8 MiB: is the URL a snapshot, or a video?")));
            }
            image.extend_from_slice(&chunk);
        }
        Ok(image)
    }

    /// Finds the cause of an HTTP error: the client's own text would be no help to a user.
    async fn explain(&self, url: &Url, error: &reqwest::Error) -> Failure {
        if let Some(handshake) = tls_error(error) {
            return tls_failure(self.place, handshake);
        }
        if error.is_connect()
            && let Some(failure) = self.place.diagnose().await
        {
            return failure;
        }
        if error.is_timeout() {
            return self.too_slow();
        }
        if error.is_connect() && url.scheme() == "https" {
            // TCP is fine, so it was the handshake that was cut short.
            return tls_failure(self.place, &"the connection was closed");
        }
        self.protocol("does not speak HTTP as expected, or breaks off: check the port and the URL")
    }

    fn too_slow(&self) -> Failure {
        Failure::new(
            Reason::Timeout,
            format!(
                "{} accepts connections but sends no picture in 10 s: check the port, restart the camera",
                self.place
            ),
        )
    }

    fn protocol(&self, what: &str) -> Failure {
        Failure::new(Reason::Protocol, format!("{} {what}", self.place))
    }
}

fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| {
        // An io::Error's source() skips the error that it wraps.
        error.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>()
    })
}

/// The format and the size of an image, if it is whole.
fn recognise(bytes: &[u8]) -> Result<(&'static str, (u32, u32)), &'static str> {
    const NO_IMAGE: &str = "sends something that is no JPEG or PNG image: check the snapshot's URL";
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| NO_IMAGE)?;
    let (codec, is_whole) = match reader.format() {
        Some(ImageFormat::Jpeg) => ("jpeg", jpeg::Walk::default().whole(bytes).is_some()),
        Some(ImageFormat::Png) => ("png", memmem::rfind(bytes, b"IEND\xae\x42\x60\x82").is_some()),
        _ => return Err(NO_IMAGE),
    };
    let size = reader.into_dimensions().map_err(|_| NO_IMAGE)?;
    if !is_whole {
        return Err("sends a picture without its end: check the camera's network");
    }
    Ok((codec, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image::DynamicImage::new_rgb8(64, 48).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn whole_images_are_recognised_also_with_what_cameras_append() {
        for (format, codec) in [(ImageFormat::Jpeg, "jpeg"), (ImageFormat::Png, "png")] {
            let mut image = encoded(format);
            assert_eq!(recognise(&image), Ok((codec, (64, 48))));
            image.extend_from_slice(b"\0\0\r\n of their own");
            assert_eq!(recognise(&image), Ok((codec, (64, 48))));
        }
    }

    #[test]
    fn half_an_image_and_a_web_page_are_no_pictures() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let image = encoded(format);
            for length in 0..image.len() {
                assert!(recognise(&image[..length]).is_err(), "{length} of {}", image.len());
            }
        }
        assert!(recognise(b"<html>please log in</html>").is_err());
    }
}
