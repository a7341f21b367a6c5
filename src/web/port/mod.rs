//! The port behind the page in Home Assistant's sidebar: who may come in, and what is there besides the page.
//!
//! In app mode Home Assistant has checked who looks, and the Supervisor brings the request; nobody else is answered. Outside of it only
//! this machine is.

pub(crate) mod access;
pub(crate) mod diagnostics;
mod harden;
mod health;
pub(crate) mod metrics;
mod routes;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::map_response;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use access::{Access, Admission};

use crate::http::{self, Terms};
use crate::web::feeds::Feeds;

/// 1,000 pages that stay open, and some that are being loaded. A page that is closed ends its stream, so a closed side ends the
/// connection. Streams end by themselves at a stop; what does not is cut off.
const TERMS: Terms = Terms {
    name: "page",
    connections: 1_100,
    // The Supervisor asks for all users of Home Assistant, by up to 100 connections.
    share: 64,
    head: 32 * 1_024,
    head_within: Duration::from_secs(20),
    stalled: Duration::from_secs(30),
    half_close: false,
    typed: false,
    last_answers: Duration::from_millis(500),
};

/// Opens the port and answers until told to stop. A port that is taken is logged, and tried again.
pub async fn serve(listen: SocketAddr, access: Access, feeds: Feeds, page: Router, stop: CancellationToken) {
    let Some(listener) = stop.run_until_cancelled(http::bind(listen, TERMS.name)).await else { return };
    serve_on(listener, access, feeds, page, stop).await;
}

/// [`serve`] on a port that is open.
pub async fn serve_on(listener: TcpListener, access: Access, feeds: Feeds, page: Router, stop: CancellationToken) {
    let health = routes::health_only(feeds.clone()).layer(map_response(harden::harden));
    let all = access.guard(routes::all(feeds.clone()).merge(page), feeds).layer(map_response(harden::harden));
    let app_for = |peer: SocketAddr| match access.admits(peer.ip()) {
        Admission::All => Some(all.clone()),
        Admission::Health => Some(health.clone()),
        Admission::None => {
            tracing::debug!(%peer, "Somebody else came to the page's port");
            None
        }
    };
    http::run(listener, TERMS, app_for, stop).await;
}
