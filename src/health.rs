//! `/healthz` and `/readyz`: is the process alive, and does Home Assistant know everything?
//!
//! Health is not the broker's: restarting us does not mend a broker. Readiness is.

use std::net::SocketAddr;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::broker::LinkState;
use crate::discovery::Announced;

/// What the answers are made from.
#[derive(Debug, Clone)]
pub struct Health {
    /// The link to the broker.
    pub link: watch::Receiver<LinkState>,
    /// What was announced last.
    pub announced: watch::Receiver<Option<Announced>>,
}

/// Answers until told to stop. A port that is taken is logged, and tried again: the cameras do not need it.
pub async fn serve(listen: SocketAddr, health: Health, stop: CancellationToken) {
    let Some(listener) = stop.run_until_cancelled(bind(listen)).await else { return };
    let app = Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(health);
    let until_stop = stop.clone();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move { until_stop.cancelled().await });
    // An idle keep-alive connection must not hold up the stop.
    tokio::select! {
        _served = server.into_future() => {}
        () = stop.cancelled() => {}
    }
}

async fn bind(listen: SocketAddr) -> TcpListener {
    let mut said = false;
    loop {
        match TcpListener::bind(listen).await {
            Ok(listener) => return listener,
            Err(error) if !said => {
                tracing::error!(%listen, %error, "The health port cannot be opened; trying again until it can");
                said = true;
            }
            Err(_again) => {}
        }
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    }
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(health): State<Health>) -> (StatusCode, Json<Value>) {
    let epoch = health.link.borrow().epoch();
    let announced = health.announced.borrow().as_ref().map(|announced| announced.epoch);
    let ready = epoch.is_some() && epoch == announced;
    let waiting_for = match &*health.link.borrow() {
        LinkState::Down { cause, .. } => Some(cause.text.clone()),
        LinkState::Up(_) if !ready => Some("the announcement to Home Assistant".to_owned()),
        LinkState::Up(_) => None,
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready, "waiting_for": waiting_for })))
}
