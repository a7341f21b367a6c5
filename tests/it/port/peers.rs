//! Who is answered: addresses, names, and what a request may claim.

use std::time::Duration;

use camera_herald::process;
use camera_herald::web::port::Access;
use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::support::{HERE, House, PROXY, STRANGER, connect, status};
use crate::support::herald::{Herald, PATIENCE, Setup, push_cameras};
use crate::support::supervisor::{FakeSupervisor, Scenario};

#[tokio::test]
async fn in_app_mode_a_stranger_is_closed_before_it_says_anything() {
    let house = House::open(Access::Proxy(PROXY)).await;
    for request in ["", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let mut stream = connect(STRANGER, house.addr).await;
        // It may be closed while it still talks.
        let _sent = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _reset = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is closed");
        assert!(answer.is_empty(), "{request}: {}", String::from_utf8_lossy(&answer));
    }
    house.stop().await;
}

/// More than the port has places for, from another app and from the proxy itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_keep_nobody_from_page_and_health() {
    process::raise_open_files();
    let house = House::open(Access::Proxy(PROXY)).await;
    let mut silent = Vec::new();
    for from in [STRANGER, PROXY] {
        for _ in 0..1_150 {
            silent.push(connect(from, house.addr).await);
        }
    }
    let began = Instant::now();
    assert_eq!(status(&house.get(HERE, "/healthz", "").await), 200);
    assert_eq!(status(&house.get(PROXY, "/", "").await), 200);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    drop(silent);
    house.stop().await;
}

#[tokio::test]
async fn in_app_mode_the_proxy_sees_all_and_the_container_itself_only_its_health() {
    let house = House::open(Access::Proxy(PROXY)).await;
    for path in ["/", "/healthz", "/metrics", "/diagnostics.json"] {
        assert_eq!(status(&house.get(PROXY, path, "").await), 200, "{path}");
    }
    assert_eq!(status(&house.get(HERE, "/healthz", "").await), 200);
    assert_eq!(status(&house.get(HERE, "/readyz", "").await), 503, "the broker is away");
    for path in ["/", "/metrics", "/diagnostics.json", "/actions/token"] {
        assert_eq!(status(&house.get(HERE, path, "").await), 403, "{path}");
    }
    house.stop().await;
}

/// Whether the page was seen through Home Assistant since the last look.
fn was_seen(house: &House) -> bool {
    house.feeds.page_seen.notified().now_or_never().is_some()
}

#[tokio::test]
async fn no_header_makes_a_stranger_the_proxy() {
    let house = House::open(Access::Proxy(PROXY)).await;
    let claims = "X-Forwarded-For: 172.30.32.2\r\nX-Real-IP: 127.0.0.2\r\nForwarded: for=127.0.0.2\r\n\
                  X-Hass-Source: core.ingress\r\nX-Ingress-Path: /api/hassio_ingress/x\r\n";
    let mut stranger = connect(STRANGER, house.addr).await;
    let _closed = stranger.write_all(format!("GET / HTTP/1.1\r\nHost: x\r\n{claims}\r\n").as_bytes()).await;
    let mut answer = Vec::new();
    let _reset = timeout(PATIENCE, stranger.read_to_end(&mut answer)).await.expect("it is closed");
    assert!(answer.is_empty());
    assert_eq!(status(&house.get(HERE, "/", claims).await), 403);
    assert!(!was_seen(&house), "and none is a sign of Home Assistant");
    house.stop().await;
}

#[tokio::test]
async fn a_page_that_home_assistant_shows_is_a_sign_of_it() {
    let house = House::open(Access::Proxy(PROXY)).await;
    house.get(PROXY, "/healthz", "").await;
    assert!(!was_seen(&house));
    house.get(PROXY, "/", "X-Hass-Source: core.ingress\r\n").await;
    assert!(was_seen(&house));
    house.stop().await;
}

#[tokio::test]
async fn outside_of_app_mode_only_names_of_this_machine_are_answered() {
    let house = House::open(Access::Loopback).await;
    let port = house.addr.port();
    let ask = async |head: &str| {
        let answer = house.raw(HERE, &format!("{head}Connection: close\r\n\r\n")).await;
        (status(&answer), answer)
    };
    for host in ["localhost".to_owned(), format!("127.0.0.1:{port}"), format!("[::1]:{port}"), "LocalHost:1".to_owned()]
    {
        assert_eq!(ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n")).await.0, 200, "{host}");
    }
    for head in [
        "GET / HTTP/1.1\r\nHost: evil.example\r\n",
        "GET /actions/token HTTP/1.1\r\nHost: localhost.evil.example\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost@evil.example\r\n",
        "GET /diagnostics.json HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
        "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n",
        "GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n",
        "GET / HTTP/1.1\r\nHost: \r\n",
    ] {
        let (status, answer) = ask(head).await;
        assert!(matches!(status, 400 | 421), "{head}: {answer}");
        assert!(!answer.contains("evil"), "nothing of it is repeated: {answer}");
    }
    house.stop().await;
}

#[tokio::test]
async fn in_app_mode_the_name_is_the_users_own_and_any_is_taken() {
    let house = House::open(Access::Proxy(PROXY)).await;
    for host in ["homeassistant.local:8123", "172.30.33.5:8099", "my.example"] {
        let answer = house.raw(PROXY, &format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(status(&answer), 200, "{host}");
    }
    house.stop().await;
}

#[tokio::test]
async fn the_program_in_app_mode_answers_its_health_check_and_shows_nobody_else_here_anything() {
    let supervisor = FakeSupervisor::start(Scenario::NotEnabled).await;
    let token = secrecy::ExposeSecret::expose_secret(&supervisor.token()).to_owned();
    let mut setup = Setup::with_supervisor(supervisor.url().as_str(), &token, push_cameras(1));
    let page = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    setup.environment.push(("HERALD_INGRESS_LISTEN".to_owned(), page.to_string()));
    let herald = Herald::start(setup).await;
    herald.says("Waiting for the broker", 1).await;
    let (code, text) = Herald::once(herald.dir().path(), &herald.setup(), &["healthcheck"]).await;
    assert_eq!(code, Some(0), "{text}");
    let client = crate::door::support::client();
    let get = async |path: &str| client.get(format!("http://{page}{path}")).send().await.unwrap();
    let ready = get("/readyz").await;
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.unwrap().contains("Mosquitto broker app"));
    for path in ["/", "/metrics", "/diagnostics.json", "/live", "/actions/token"] {
        assert_eq!(get(path).await.status(), 403, "{path}");
    }
    assert!(!herald.log().contains(&token));
}
