//! A port and its connections, for events and for the page. Invariant: when it returns, no connection is left.
//!
//! Not `axum::serve`: it has no bound on connections, no time limit for heads or for a peer that does not read, and leaves connections
//! behind.

mod patient;
mod typed;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use patient::Patient;
use typed::Typed;

/// After an error of the port or of the listener.
const PAUSE: Duration = Duration::from_secs(5);

/// The log does not grow with the number of requests that cannot be read.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// What one port allows.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Whose port it is, for the log.
    pub name: &'static str,
    /// Connections at once; more wait in the system's queue.
    pub connections: usize,
    /// The longest head of a request, in bytes.
    pub head: usize,
    /// From the connection, or the last answer, to the end of the next head: idle connections are closed too.
    pub head_within: Duration,
    /// A peer that takes nothing of an answer for so long is gone.
    pub stalled: Duration,
    /// A peer may close its side right after the request and still gets its answer. Otherwise that ends the connection, and so a
    /// long answer that nobody reads any more.
    pub half_close: bool,
    /// People type the addresses of this port into cameras: they are mended, and a request that cannot be read is said in the log.
    pub typed: bool,
    /// At a stop, for requests that are being answered.
    pub last_answers: Duration,
}

/// Opens the port; one that is taken is logged, and tried again: the cameras' statuses do not need it.
pub async fn bind(listen: SocketAddr, name: &str) -> TcpListener {
    let mut said = false;
    loop {
        match TcpListener::bind(listen).await {
            Ok(listener) => return listener,
            Err(error) if !said => {
                tracing::error!(%listen, %error, "The {name} port cannot be opened; trying again until it can");
                said = true;
            }
            Err(_again) => {}
        }
        sleep(PAUSE).await;
    }
}

/// Answers until told to stop; then answers what is under way, for a moment. `app_for` says what a peer gets to see.
pub async fn run(listener: TcpListener, terms: Terms, app_for: impl Fn(SocketAddr) -> Router, stop: CancellationToken) {
    let mut open = JoinSet::new();
    let said = Arc::<Mutex<Option<Instant>>>::default();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_ended) = open.join_next() => {}
            accepted = accept(&listener, terms.name), if open.len() < terms.connections => if let Some((stream, peer)) = accepted {
                open.spawn(connection(stream, terms, app_for(peer), said.clone(), stop.clone()));
            },
        }
    }
    drop(listener);
    let rest = async { while open.join_next().await.is_some() {} };
    if timeout(terms.last_answers, rest).await.is_err() {
        tracing::debug!(port = terms.name, connections = open.len(), "Connections were cut off by the stop");
    }
    open.shutdown().await;
}

async fn accept(listener: &TcpListener, name: &str) -> Option<(TcpStream, SocketAddr)> {
    match listener.accept().await {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            // Too many open files, mostly: it passes, and the loop must not spin meanwhile.
            tracing::warn!(port = name, %error, "A connection could not be taken");
            sleep(Duration::from_millis(200)).await;
            None
        }
    }
}

async fn connection(
    stream: TcpStream,
    terms: Terms,
    app: Router,
    said: Arc<Mutex<Option<Instant>>>,
    stop: CancellationToken,
) {
    // Answers are one small packet each; failing to send them at once is no reason not to send them.
    let _sooner = stream.set_nodelay(true);
    let mut http = http1::Builder::new();
    http.half_close(terms.half_close)
        .timer(TokioTimer::new())
        .header_read_timeout(terms.head_within)
        .max_buf_size(terms.head);
    let io = TokioIo::new(Typed::new(Patient::new(stream, terms.stalled), terms.typed));
    let connection = http.serve_connection(io, TowerToHyperService::new(app));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        complain(terms, &error, &said);
    }
}

/// hyper has answered a request that it could not read; the camera shows that to nobody.
fn complain(terms: Terms, error: &hyper::Error, said: &Mutex<Option<Instant>>) {
    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
    let is_due = said.is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY);
    if terms.typed && (error.is_parse() || error.is_parse_too_large()) && is_due {
        *said = Some(Instant::now());
        tracing::warn!(
            port = terms.name,
            %error,
            "A request that cannot be read was refused: check the address, the headers and the protocol (http, not https) that the \
             sender was given (at most one such line in 10 s)"
        );
    } else {
        tracing::debug!(port = terms.name, %error, "A connection broke");
    }
}
