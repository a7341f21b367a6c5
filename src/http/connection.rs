//! One connection, from its first byte to its end: requests answered by an app, within the port's terms.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Terms;
use super::patient::Patient;
use super::seat::Seat;
use super::typed::Typed;
use super::unreadable::Unreadable;

/// For the head of one whose address has more than its share of connections. Who has something to say sends it with the connection.
const AT_ONCE: Duration = Duration::from_millis(250);

/// When a connection has to end, besides by itself.
pub(super) struct Ends {
    /// It gives way to another one, whatever it does.
    pub(super) leave: CancellationToken,
    /// It has to send its head at once.
    pub(super) hurried: bool,
    /// Its last answer is waited for.
    pub(super) stop: CancellationToken,
}

pub(super) async fn serve(
    stream: TcpStream,
    terms: Terms,
    app: Router,
    seat: Arc<Seat>,
    ends: Ends,
    unreadable: Arc<Unreadable>,
) {
    // Answers are one small packet each; failing to send them at once is no reason not to send them.
    let _sooner = stream.set_nodelay(true);
    let mut http = http1::Builder::new();
    http.half_close(terms.half_close)
        .timer(TokioTimer::new())
        .header_read_timeout(terms.head_within)
        .max_buf_size(terms.head);
    let io = TokioIo::new(Typed::new(Patient::new(stream, terms.stalled), terms.typed));
    let app = TowerToHyperService::new(app);
    let asker = Arc::clone(&seat);
    let answer = service_fn(move |request| {
        let turn = asker.turn();
        let answer = app.call(request);
        async move {
            let answer = answer.await?;
            if answer.status().is_success() {
                turn.grant();
            }
            Ok::<_, std::convert::Infallible>(answer.map(|body| turn.until_the_end_of(body)))
        }
    });
    let mut connection = std::pin::pin!(http.serve_connection(io, answer));
    let ended = tokio::select! {
        // On a busy machine the head and the end of its time may be noticed at once; then the head counts.
        biased;
        ended = connection.as_mut() => ended,
        () = ends.leave.cancelled() => return,
        () = dawdles(&seat), if ends.hurried => return,
        () = ends.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        unreadable.tell(terms, &error);
    }
}

/// Ends if no head came at once; otherwise never.
async fn dawdles(seat: &Seat) {
    sleep(AT_ONCE).await;
    if seat.has_asked() {
        std::future::pending::<()>().await;
    }
}
