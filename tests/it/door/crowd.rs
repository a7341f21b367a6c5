//! Strangers that hold connections and half-sent requests: they take nothing from those who know the token.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use camera_herald::events::door::Bounds;
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::support::{House, TOKEN};

const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
const STRANGERS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3))];
/// A whole head without a token, and nothing of the body that it announces.
const HALF: &str = "POST /api/v1/cameras/front/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";

async fn connect(from: IpAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}

/// Keeps one connection open, again and again.
async fn keep_up(from: IpAddr, to: SocketAddr, first: &str) {
    loop {
        if let Ok(mut stream) = connect(from, to).await {
            let _sent = stream.write_all(first.as_bytes()).await;
            let _until_it_is_closed = stream.read_to_end(&mut Vec::new()).await;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn event_from(from: IpAddr, house: &House) -> (String, Duration) {
    let began = Instant::now();
    let mut stream = connect(from, house.addr).await.unwrap();
    let call =
        format!("GET /api/v1/cameras/front/trigger?token={TOKEN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(call.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _reset = timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await.expect("an answer");
    (answer.lines().next().unwrap_or_default().to_owned(), began.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_taken_while_strangers_keep_up_half_sent_requests_and_silence() {
    let house = House::open().await;
    let mut strangers = JoinSet::new();
    for from in STRANGERS {
        for first in [HALF; 60].into_iter().chain([""; 200]) {
            strangers.spawn(keep_up(from, house.addr, first));
        }
    }
    sleep(Duration::from_secs(1)).await;
    for _ in 0..20 {
        let (answer, took) = event_from(SENDER, &house).await;
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer:?} after {took:?}");
        // The promise is 500 ms; machines that run tests are busy.
        assert!(took < Duration::from_millis(1_500), "{took:?}");
        sleep(Duration::from_millis(50)).await;
    }
    // A camera behind the same address, as behind one that translates addresses.
    let (answer, _took) = event_from(STRANGERS[0], &house).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer:?}");
    strangers.shutdown().await;
    house.stop().await;
}

#[tokio::test]
async fn a_stranger_s_half_sent_request_takes_no_place() {
    let house = House::with(Bounds { requests: 1, ..Bounds::default() }).await;
    let mut stranger = connect(STRANGERS[0], house.addr).await.unwrap();
    stranger.write_all(HALF.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(house.send(&json!({})).await.status(), StatusCode::ACCEPTED);
    let mut answer = [0; 12];
    timeout(Duration::from_secs(3), stranger.read_exact(&mut answer)).await.expect("it is told soon").unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    house.stop().await;
}

#[tokio::test]
async fn a_refused_body_that_is_waited_for_takes_no_place() {
    let house = House::with(Bounds { requests: 1, drain: Duration::from_secs(20), ..Bounds::default() }).await;
    let mut refused = connect(SENDER, house.addr).await.unwrap();
    let head = HALF.replace("Host: x", &format!("Host: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: text/csv"));
    refused.write_all(head.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(house.send(&json!({})).await.status(), StatusCode::ACCEPTED);
    drop(refused);
    house.stop().await;
}

#[tokio::test]
async fn one_address_keeps_no_more_than_its_share_of_silent_connections() {
    let house = House::open().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(connect(STRANGERS[0], house.addr).await.unwrap());
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let open = silent.iter().filter(|stream| matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)).count();
        if open == 32 {
            break;
        }
        assert!(open > 32 && Instant::now() < deadline, "{open} are open");
        sleep(Duration::from_millis(20)).await;
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_cameras_behind_one_address_ring_at_once() {
    let house = House::open().await;
    let answers = futures_util::future::join_all((0..100).map(|_| event_from(SENDER, &house))).await;
    let taken = answers.iter().filter(|(answer, _)| answer.starts_with("HTTP/1.1 202 ")).count();
    assert_eq!(taken, 100, "{answers:?}");
    house.stop().await;
}
