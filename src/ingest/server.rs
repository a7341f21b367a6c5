//! The listener and its connections. Invariant: when it returns, no connection is left and nothing holds the channel.
//!
//! Not `axum::serve`: it has no bound on connections, no time limit for headers, and leaves connections behind.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// More than requests at once, so that one too many can be told.
const CONNECTIONS: usize = 512;
/// From the connection, or the last answer, to the end of the next head: idle connections are closed too.
const HEAD: Duration = Duration::from_secs(20);
/// The head of a request; no body is kept here.
const BUFFER: usize = 64 * 1_024;
/// At a stop, for requests that are being answered.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// After an error of the port or of the listener.
const PAUSE: Duration = Duration::from_secs(5);

/// Opens the port; one that is taken is logged, and tried again: the cameras' statuses do not need it.
pub(super) async fn bind(listen: SocketAddr) -> TcpListener {
    let mut said = false;
    loop {
        match TcpListener::bind(listen).await {
            Ok(listener) => return listener,
            Err(error) if !said => {
                tracing::error!(%listen, %error, "The events port cannot be opened; trying again until it can");
                said = true;
            }
            Err(_again) => {}
        }
        sleep(PAUSE).await;
    }
}

/// Answers until told to stop; then answers what is under way, for a moment.
pub(super) async fn run(listener: TcpListener, app: Router, stop: CancellationToken) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_ended) = open.join_next() => {}
            accepted = accept(&listener), if open.len() < CONNECTIONS => if let Some(stream) = accepted {
                open.spawn(connection(stream, app.clone(), stop.clone()));
            },
        }
    }
    drop(listener);
    let rest = async { while open.join_next().await.is_some() {} };
    if timeout(LAST_ANSWERS, rest).await.is_err() {
        tracing::debug!(connections = open.len(), "Senders were cut off by the stop");
    }
    open.shutdown().await;
}

async fn accept(listener: &TcpListener) -> Option<TcpStream> {
    match listener.accept().await {
        Ok((stream, _peer)) => Some(stream),
        Err(error) => {
            // Too many open files, mostly: it passes, and the loop must not spin meanwhile.
            tracing::warn!(%error, "A sender could not be let in");
            sleep(Duration::from_millis(200)).await;
            None
        }
    }
}

async fn connection(stream: TcpStream, app: Router, stop: CancellationToken) {
    // Answers are one small packet each; failing to send them at once is no reason not to send them.
    let _sooner = stream.set_nodelay(true);
    let mut http = http1::Builder::new();
    // Simple senders close their side, or all of it, right after the request; that is no reason to lose the event.
    http.half_close(true);
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(BUFFER);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "A sender's connection broke");
    }
}
