//! One probe of one camera: the stream, the snapshot, or both, and the picture that comes of it.
//!
//! In: a camera, and what is wished. Out: what was seen, or why nothing was. Invariant: a picture that cannot be made costs the picture,
//! never the sighting.

use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tracing::debug;
use url::Url;

use super::develop::{Darkroom, Exposure};
use super::habits::Habits;
use super::login::Logins;
use super::place::Place;
use super::whereabouts::Whereabouts;
use super::{develop, rtsp, snapshot, tls};
use crate::camera::{Camera, Failure, Glimpse, Reason, Shown, Sighting, Spoiled};

/// What probes share: made once, cheap to clone.
#[derive(Clone)]
pub struct Clients {
    tls: TlsConnector,
    logins: Logins,
    habits: Habits,
    darkroom: Darkroom,
    whereabouts: Whereabouts,
}

impl Clients {
    /// Builds them. Opens no connection.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tls: tls::connector(),
            logins: Logins::default(),
            habits: Habits::default(),
            darkroom: Darkroom::default(),
            whereabouts: Whereabouts::default(),
        }
    }
}

impl Default for Clients {
    fn default() -> Self {
        Self::new()
    }
}

/// What a probe is to bring besides the answer whether there is a picture at all.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// The most bytes that the picture may have.
    pub picture_limit: usize,
    /// Whether frame rate and bitrate are wanted: measuring them takes a second or so.
    pub figures: bool,
}

/// Probes a camera once. Its stream, if it has one, says how it is; its snapshot, if it has one, gives the picture.
///
/// # Errors
/// [`Failure`] when no picture was seen, with the cause and what to do about it.
pub async fn probe(clients: &Clients, camera: &Camera, wish: Wish) -> Result<Sighting, Failure> {
    let Some(completed) = clients.whereabouts.complete(camera).await? else {
        return look(clients, camera, wish).await;
    };
    let outcome = look(clients, &completed, wish).await;
    if outcome.is_err() {
        clients.whereabouts.forget(&camera.id);
    }
    outcome
}

async fn look(clients: &Clients, camera: &Camera, wish: Wish) -> Result<Sighting, Failure> {
    let Wish { picture_limit, figures } = wish;
    let credentials = camera.credentials.as_ref();
    let moving = async |url| {
        let target = rtsp::Target { camera: &camera.id, url, credentials, figures };
        rtsp::probe(&clients.tls, &clients.logins, &clients.habits, &target).await
    };
    let still = async |url| snapshot::probe(&clients.tls, &clients.logins, url, credentials).await;
    match (&camera.stream, &camera.snapshot) {
        (Some(stream), None) => {
            let (seen, exposure) = moving(stream).await?;
            Ok(clients.with_picture(seen, exposure, stream, picture_limit).await)
        }
        (None, Some(snapshot)) => {
            let (seen, exposure) = still(snapshot).await?;
            Ok(clients.with_picture(seen, exposure, snapshot, picture_limit).await)
        }
        (Some(stream), Some(snapshot)) => {
            let (seen, exposure) = moving(stream).await?;
            let seen = clients.with_picture(seen, exposure, stream, picture_limit).await;
            match still(snapshot).await {
                Ok((_, exposure)) => Ok(clients.with_better_picture(seen, exposure, picture_limit).await),
                Err(failure) => {
                    debug!(reason = failure.reason.as_str(), detail = failure.detail, "The snapshot gave no picture");
                    let Shown::Spoiled(spoiled) = seen.picture else { return Ok(seen) };
                    let picture = Shown::Spoiled(Spoiled { advice: failure.detail.into(), ..spoiled });
                    Ok(Sighting { picture, ..seen })
                }
            }
        }
        (None, None) => Err(Failure::new(Reason::Protocol, "The camera has neither stream nor snapshot to look at")),
    }
}

impl Clients {
    async fn with_picture(&self, seen: Sighting, exposure: Exposure, url: &Url, limit: usize) -> Sighting {
        match self.darkroom.develop(exposure, limit).await {
            Ok(glimpse) => Sighting { picture: Shown::Made(Arc::new(glimpse)), ..seen },
            Err(spoiled) => {
                let place = Place::of(url).map_or_else(|_| "The camera".to_owned(), |place| place.to_string());
                let advice = format!("{place} {}", spoiled.advice()).into();
                let undecodable = spoiled == develop::Spoiled::Broken;
                Sighting { picture: Shown::Spoiled(Spoiled { undecodable, advice }), ..seen }
            }
        }
    }

    /// The snapshot is what the user wants to see; the print stays the stream's, whose freezing it is about.
    async fn with_better_picture(&self, seen: Sighting, exposure: Exposure, limit: usize) -> Sighting {
        let Ok(snapshot) = self.darkroom.develop(exposure, limit).await else { return seen };
        let print = seen.glimpse().map_or(snapshot.print, |stream| stream.print.clone());
        Sighting { picture: Shown::Made(Arc::new(Glimpse { jpeg: snapshot.jpeg, print })), ..seen }
    }
}
