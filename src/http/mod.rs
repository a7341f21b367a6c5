//! A port and its connections, for events and for the page. Invariant: when it returns, no connection is left.
//!
//! Not `axum::serve`: it has no bound on connections, no time limit for heads or for a peer that does not read, and leaves connections
//! behind.

mod connection;
mod crowd;
mod patient;
mod seat;
mod typed;
mod unreadable;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use connection::Ends;
use crowd::{Crowd, Full};
use seat::{Seat, Seats};
use unreadable::Unreadable;

/// After an error of the port or of the listener.
const PAUSE: Duration = Duration::from_secs(5);

/// Connections that the system keeps until they are taken: its own upper limit on Linux. One that does not fit tries again after a whole
/// second, so a burst of strangers must not fill it.
const QUEUE: u32 = 4_096;

/// What one port allows.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Whose port it is, for the log.
    pub name: &'static str,
    /// Connections at once. For one more the oldest that has not sent a whole head gives way; if all have, it waits in the system's
    /// queue.
    pub connections: usize,
    /// Of these, strangers from one address. A burst may be larger, but must say at once what it wants.
    pub share: usize,
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
        match open(listen) {
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

fn open(listen: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if listen.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for connections of the program before it.
    socket.set_reuseaddr(true)?;
    socket.bind(listen)?;
    socket.listen(QUEUE)
}

/// Answers until told to stop; then answers what is under way, for a moment. `app_for` says what a peer gets to see; who gets nothing
/// is closed at once, before it can take a place.
pub async fn run(
    listener: TcpListener,
    terms: Terms,
    app_for: impl Fn(SocketAddr) -> Option<Router>,
    stop: CancellationToken,
) {
    let seats = Seats::new(Crowd::new(terms.connections, terms.share));
    let unreadable = Arc::new(Unreadable::default());
    let mut open = JoinSet::new();
    let mut next = None;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_ended) = open.join_next() => {}
            () = seats.eased.notified(), if next.is_some() => {}
            accepted = accept(&listener, terms.name), if next.is_none() => next = accepted,
        }
        let Some((stream, peer)) = next.take() else { continue };
        let Some(app) = app_for(peer) else { continue };
        let entered = seats.crowd().enter(peer.ip().to_canonical());
        match entered {
            Ok(entered) => {
                let seat = Seat::new(&seats, entered.guest);
                let ends = Ends { leave: entered.leave, hurried: entered.hurried, stop: stop.clone() };
                open.spawn(connection::serve(stream, terms, app, seat, ends, Arc::clone(&unreadable)));
            }
            // It must not keep others from coming in, so it is closed.
            Err(Full::Address) => {}
            Err(Full::Port) => next = Some((stream, peer)),
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
