//! Many and slow ones: none of them keeps others from their answer, and a stop does not wait for them.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use camera_herald::http::{self, Terms};
use camera_herald::process;
use camera_herald::web::port::Access;
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::support::{HERE, House, connect, status};
use crate::support::herald::{Herald, PATIENCE, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};

const LIVE: &str = "GET /live HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";

/// Opens the live stream and waits for its first bytes.
async fn open_page(addr: std::net::SocketAddr) -> TcpStream {
    let mut stream = connect(HERE, addr).await;
    stream.write_all(LIVE.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut first)).await.expect("the stream begins").unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stream
}

async fn is_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let _reset_is_closed_too = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the stream ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_open_pages_leave_room_for_one_more_request_and_end_at_a_stop() {
    // One file for each end of each connection.
    process::raise_open_files();
    let house = House::open(Access::Loopback).await;
    let mut pages = Vec::new();
    for _ in 0..1_000 {
        pages.push(open_page(house.addr).await);
    }
    assert_eq!(status(&house.get(HERE, "/healthz", "").await), 200);
    assert_eq!(status(&house.get(HERE, "/", "").await), 200);
    let took = house.stop().await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    for mut page in pages {
        is_closed(&mut page).await;
    }
}

#[tokio::test]
async fn the_program_stops_within_its_budget_while_pages_are_open() {
    let broker = Mosquitto::start(Config::default()).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut setup = Setup::with_broker(broker.addr(), push_cameras(2));
    setup.environment.push(("HERALD_INGRESS_LISTEN".to_owned(), port.to_string()));
    let mut herald = Herald::start(setup).await;
    herald.says("Announced to Home Assistant", 1).await;
    let mut pages = Vec::new();
    for _ in 0..20 {
        pages.push(open_page(port).await);
    }
    let (code, took) = herald.terminate().await;
    assert_eq!(code, Some(0), "{}", herald.log());
    assert!(took < Duration::from_secs(2), "{took:?}:\n{}", herald.log());
    assert_eq!(herald.count("Said offline"), 1);
    for mut page in pages {
        is_closed(&mut page).await;
    }
}

/// A port with short patience and a few places; `/` answers, `/endless` never ends.
struct Small {
    addr: std::net::SocketAddr,
    /// Endless answers that are being sent.
    sending: Arc<AtomicUsize>,
    stop: CancellationToken,
    task: JoinSet<()>,
}

struct Sending(Arc<AtomicUsize>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Small {
    async fn open(connections: usize) -> Self {
        let sending = Arc::new(AtomicUsize::new(0));
        let counter = sending.clone();
        let endless = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            let sending = Sending(counter.clone());
            let body = stream::repeat_with(move || {
                let _counted_while_it_lives = &sending;
                Ok::<_, Infallible>(Bytes::from_static(&[0; 16 * 1_024]))
            });
            async { Body::from_stream(body) }
        };
        let app = Router::new().route("/", get(|| async { "here\n" })).route("/endless", get(endless));
        let terms = Terms {
            name: "test",
            connections,
            share: connections,
            head: 8 * 1_024,
            head_within: Duration::from_millis(300),
            stalled: Duration::from_millis(300),
            half_close: false,
            typed: false,
            last_answers: Duration::from_millis(200),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        let until = stop.clone();
        task.spawn(async move { http::run(listener, terms, |_peer| Some(app.clone()), until).await });
        Self { addr, sending, stop, task }
    }

    async fn send(&self, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream
    }

    async fn answers(&self) {
        let mut stream = self.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer in time").unwrap();
        assert!(answer.ends_with("here\n"), "{answer}");
    }

    async fn stop(mut self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task.join_next()).await.expect("the port closes");
    }
}

#[tokio::test]
async fn heads_that_never_end_give_their_places_back() {
    let small = Small::open(4).await;
    let mut slow = Vec::new();
    for _ in 0..8 {
        slow.push(small.send("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await);
    }
    small.answers().await;
    for mut stream in slow {
        is_closed(&mut stream).await;
    }
    small.stop().await;
}

#[tokio::test]
async fn a_peer_that_takes_nothing_of_its_answer_is_given_up() {
    let small = Small::open(2).await;
    let deaf = [
        small.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await,
        small.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await,
    ];
    small.answers().await;
    let deadline = Instant::now() + PATIENCE;
    while small.sending.load(Ordering::SeqCst) > 0 {
        assert!(Instant::now() < deadline, "the answers are still being sent");
        sleep(Duration::from_millis(10)).await;
    }
    drop(deaf);
    small.stop().await;
}

#[tokio::test]
async fn a_page_that_is_closed_ends_its_answer() {
    let small = Small::open(4).await;
    let mut stream = small.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut some = [0; 1_024];
    stream.read_exact(&mut some).await.unwrap();
    assert_eq!(small.sending.load(Ordering::SeqCst), 1);
    drop(stream);
    let deadline = Instant::now() + PATIENCE;
    while small.sending.load(Ordering::SeqCst) > 0 {
        assert!(Instant::now() < deadline, "it is still being sent");
        sleep(Duration::from_millis(10)).await;
    }
    small.stop().await;
}
