//! Limits of size, time and number, each with its answer.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use camera_herald::events::door::Bounds;
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::support::{FORM, House, Mood, TOKEN, form, jpeg, problem};

const EVENTS: &str = "/api/v1/cameras/front/events";
const MIB: usize = 1_024 * 1_024;

fn head(length: usize, extra: &str) -> String {
    format!(
        "POST {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
         {extra}Content-Length: {length}\r\n\r\n"
    )
}

/// What is answered until the connection closes or pauses.
async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(Ok(length @ 1..)) = timeout(Duration::from_secs(5), stream.read(&mut buffer)).await {
        answer.extend_from_slice(&buffer[..length]);
        if answer.ends_with(b"}") {
            break;
        }
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn two_mebibytes_of_json_are_too_many_and_eight_of_picture_are_not() {
    let house = House::open().await;
    let detail = problem(house.send(&json!({ "x": "y".repeat(2 * MIB) })).await, StatusCode::PAYLOAD_TOO_LARGE).await;
    assert!(detail.contains("1 MiB"), "{detail}");
    let mut picture = jpeg(640, 480);
    picture.resize(8 * MIB, 0);
    let event = json!({ "image_base64": BASE64_STANDARD.encode(&picture), "x": "y".repeat(MIB - 1_000) });
    assert_eq!(house.send(&event).await.status(), StatusCode::ACCEPTED);
    assert_eq!(house.last().picture.unwrap().len(), 8 * MIB);
    house.stop().await;
}

#[tokio::test]
async fn a_picture_over_its_limit_is_refused_in_both_forms() {
    let house = House::open().await;
    let mut picture = jpeg(640, 480);
    picture.resize(8 * MIB + 1, 0);
    let detail = problem(
        house.send(&json!({ "image_base64": BASE64_STANDARD.encode(&picture) })).await,
        StatusCode::PAYLOAD_TOO_LARGE,
    );
    assert!(detail.await.contains("8 MiB"));
    let body = form(&[("Content-Type: application/json", b"{}"), ("Content-Type: image/jpeg", &picture)]);
    let request = house.post(EVENTS).header("content-type", FORM).body(body);
    problem(request.send().await.unwrap(), StatusCode::PAYLOAD_TOO_LARGE).await;
    house.stop().await;
}

#[tokio::test]
async fn a_body_over_the_limit_gets_its_answer_although_it_is_not_read() {
    let house = House::open().await;
    // The client is in the middle of its body when the answer comes.
    let request = house.post(EVENTS).header("content-type", "application/json").body(vec![b' '; 20 * MIB]);
    let detail = problem(request.send().await.unwrap(), StatusCode::PAYLOAD_TOO_LARGE).await;
    assert!(detail.contains("12 MiB"), "{detail}");
    // The same without an announced length.
    let chunks = futures_util::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![b' '; MIB])));
    let body = reqwest::Body::wrap_stream(chunks);
    let request = house.post(EVENTS).header("content-type", "application/json").body(body);
    problem(request.send().await.unwrap(), StatusCode::PAYLOAD_TOO_LARGE).await;
    // And a stranger's.
    let request = house.request(reqwest::Method::POST, EVENTS).body(vec![b' '; 4 * MIB]);
    problem(request.send().await.unwrap(), StatusCode::UNAUTHORIZED).await;
    house.stop().await;
}

#[tokio::test]
async fn a_sender_that_waits_for_100_continue_is_refused_before_it_sends() {
    let house = House::open().await;
    let mut stream = TcpStream::connect(house.addr).await.unwrap();
    stream.write_all(head(13 * MIB, "Expect: 100-continue\r\n").as_bytes()).await.unwrap();
    let answer = answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    house.stop().await;
}

#[tokio::test]
async fn a_slow_body_ends_in_408() {
    let house = House::with(Bounds { body: Duration::from_millis(300), ..Bounds::default() }).await;
    let mut stream = TcpStream::connect(house.addr).await.unwrap();
    stream.write_all(head(100, "").as_bytes()).await.unwrap();
    stream.write_all(b"{").await.unwrap();
    let began = Instant::now();
    let answer = answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(3));
    house.stop().await;
}

#[tokio::test]
async fn a_body_that_is_cut_off_leaves_no_event() {
    let house = House::open().await;
    let mut stream = TcpStream::connect(house.addr).await.unwrap();
    stream.write_all(head(100, "").as_bytes()).await.unwrap();
    stream.write_all(b"{}").await.unwrap();
    drop(stream);
    sleep(Duration::from_millis(100)).await;
    assert!(house.events().is_empty());
    assert_eq!(house.send(&json!({})).await.status(), StatusCode::ACCEPTED, "others are served");
    house.stop().await;
}

#[tokio::test]
async fn a_sender_that_closes_after_its_request_is_heard() {
    let house = House::open().await;
    house.feel(Mood::Slow(Duration::from_millis(200)));
    let call = format!("GET /api/v1/cameras/front/trigger?token={TOKEN} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut half = TcpStream::connect(house.addr).await.unwrap();
    half.write_all(call.as_bytes()).await.unwrap();
    half.shutdown().await.unwrap();
    let answer = answer(&mut half).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    let mut whole = TcpStream::connect(house.addr).await.unwrap();
    whole.write_all(call.as_bytes()).await.unwrap();
    drop(whole);
    let deadline = Instant::now() + Duration::from_secs(5);
    while house.events().len() < 2 {
        assert!(Instant::now() < deadline, "the event of the one that left is lost");
        sleep(Duration::from_millis(20)).await;
    }
    house.stop().await;
}

#[tokio::test]
async fn garbage_on_the_wire_harms_nobody() {
    let house = House::open().await;
    for garbage in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"GET\r\n\r\n", &[b'a'; 100_000], b"\0\0\0\0\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(house.addr).await.unwrap();
        // It may be thrown out while it still talks.
        let _sent = stream.write_all(garbage).await;
        drop(stream);
    }
    let huge = format!("GET /api/v1/cameras/front/trigger?x={} HTTP/1.1\r\nHost: x\r\n\r\n", "y".repeat(200_000));
    let mut stream = TcpStream::connect(house.addr).await.unwrap();
    let _sent = stream.write_all(huge.as_bytes()).await;
    drop(stream);
    assert_eq!(house.send(&json!({})).await.status(), StatusCode::ACCEPTED);
    house.stop().await;
}

#[tokio::test]
async fn one_request_too_many_is_told_to_come_again() {
    let bounds = Bounds { requests: 2, disk: Duration::from_secs(2), ..Bounds::default() };
    let house = House::with(bounds).await;
    house.feel(Mood::Stuck);
    let event = json!({});
    let stuck = || async { house.send(&event).await.status() };
    let third = async {
        sleep(Duration::from_millis(500)).await;
        problem(house.send(&event).await, StatusCode::SERVICE_UNAVAILABLE).await
    };
    let (_, _, detail) = tokio::join!(stuck(), stuck(), third);
    assert!(detail.contains("at once"), "{detail}");
    house.feel(Mood::Keep);
    assert_eq!(house.send(&event).await.status(), StatusCode::ACCEPTED, "the places are free again");
    house.stop().await;
}

#[tokio::test]
async fn bodies_share_a_bounded_memory() {
    let house = House::with(Bounds { memory: 2 * MIB, body: Duration::from_secs(3), ..Bounds::default() }).await;
    let mut stream = TcpStream::connect(house.addr).await.unwrap();
    stream.write_all(head(MIB, "").as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; 900_000]).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    let large = json!({ "x": "y".repeat(500_000) });
    let detail = problem(house.send(&large).await, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(detail.contains("at once"), "{detail}");
    drop(stream);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(house.send(&large).await.status(), StatusCode::ACCEPTED, "the memory is free again");
    house.stop().await;
}
