//! What a request may hold: paths that climb, headers that inject.

use camera_herald::web::port::Access;

use super::support::{HERE, House, PROXY, status};

#[tokio::test]
async fn no_path_leaves_what_is_in_the_program() {
    let house = House::open(Access::Loopback).await;
    for path in [
        "/../../../../etc/passwd",
        "/assets/../../../../etc/passwd",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "/assets/%2fetc%2fpasswd",
        "/assets//etc/passwd",
        "/assets/..\\..\\etc\\passwd",
        "/cameras/../../etc/passwd",
        "/cameras/%2e%2e%2f%2e%2e%2fetc%2fpasswd/picture.jpg",
        "/cameras/front/events/..%2f..%2fevent_token",
        "/cameras/front/events/1.jpg%00.png",
        "/event_token",
        "/options.json",
        "/herald.db",
        "//evil.example/%2e%2e",
        "/%",
        "/%zz",
        "/%ff%fe",
    ] {
        let answer = house.get(HERE, path, "").await;
        assert!(matches!(status(&answer), 400 | 404 | 405), "{path}: {answer}");
        for secret in ["root:", "[package]", "SQLite format", super::support::TOKEN] {
            assert!(!answer.contains(secret), "{path}");
        }
        assert!(!answer.to_lowercase().contains("\nlocation:"), "{path}: {answer}");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_prefix_that_is_no_plain_path_changes_nothing_of_the_page() {
    let house = House::open(Access::Proxy(PROXY)).await;
    for prefix in [
        "//evil.example",
        "https://evil.example",
        "/a\"><script>alert(1)</script>",
        "/a'onload='alert(1)",
        "javascript:alert(1)",
        "/a\tb",
        "/..",
    ] {
        for path in ["/", "/actions/token", "/nowhere"] {
            let answer = house.get(PROXY, path, &format!("X-Ingress-Path: {prefix}\r\n")).await;
            assert!(status(&answer) < 500, "{prefix}");
            assert!(!answer.contains("evil") && !answer.contains("alert(1)"), "{prefix} at {path}");
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn a_broken_request_is_answered_or_closed_and_harms_nobody() {
    let house = House::open(Access::Loopback).await;
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-Y: z\r\n".repeat(2_000));
    for request in [
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-Evil: a\u{0}b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\r\n\r\n",
        &long,
        &many,
    ] {
        let answer = house.raw(HERE, request).await;
        assert!(answer.is_empty() || (400..500).contains(&status(&answer)), "{request:.60}: {answer:.200}");
    }
    assert_eq!(status(&house.get(HERE, "/healthz", "").await), 200);
    house.stop().await;
}
