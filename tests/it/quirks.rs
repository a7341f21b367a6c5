//! Cameras as people have them: what another player plays is seen, and what is said of the others is true.
//!
//! Each line is a quirk that was met in the field. ffmpeg is asked the same in the same test.

use std::sync::atomic::Ordering;
use std::time::Duration;

use camera_herald::camera::prober::{self, Clients};
use camera_herald::camera::{Camera, Failure, Reason, Sighting};
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::support::camera::{camera, with_password};
use crate::support::quirky::{PLAIN, Quirk, QuirkyCamera};

const WISH: prober::Wish = prober::Wish { picture_limit: 1 << 20, figures: false };

async fn probe(camera: &Camera) -> Result<Sighting, Failure> {
    prober::probe(&Clients::new(), camera, WISH).await
}

/// Whether ffmpeg gets a picture.
async fn ffmpeg_plays(url: &str, transport: &str) -> bool {
    let url = url.replace("rtsp://", "rtsp://viewer:right@");
    let playing = Command::new("ffmpeg")
        .args([
            "-v",
            "quiet",
            "-nostdin",
            "-rtsp_transport",
            transport,
            "-i",
            &url,
            "-frames:v",
            "1",
            "-f",
            "null",
            "-",
        ])
        .kill_on_drop(true)
        .status();
    tokio::time::timeout(Duration::from_secs(20), playing).await.is_ok_and(|status| status.expect("ffmpeg").success())
}

/// An answer whose head has other line ends.
fn with_ends(answer: &str, end: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head has an end");
    format!("{}{end}{end}{body}", head.replace("\r\n", end))
}

/// Quirks of the description, the heads and the packets, each with whether ffmpeg is asked, too.
const PLAYED: &[(&str, bool, Quirk)] = &[
    ("nothing odd", true, PLAIN),
    ("an empty connection", true, Quirk { sdp: |sdp| sdp.replace("c=IN IP4 0.0.0.0", "c=IN "), ..PLAIN }),
    (
        "an origin in four words",
        true,
        Quirk { sdp: |sdp| sdp.replace("o=- 1 1 IN IP4 127.0.0.1", "o=- 1001 1 IN"), ..PLAIN },
    ),
    ("three lines", true, Quirk { sdp: |sdp| sdp[sdp.find("m=").unwrap_or(0)..].to_owned(), ..PLAIN }),
    ("heads of LF", true, Quirk { answer: |_, answer| with_ends(&answer, "\n"), ..PLAIN }),
    ("heads of CR CR LF", true, Quirk { answer: |_, answer| with_ends(&answer, "\r\r\n"), ..PLAIN }),
    ("lines of LF", false, Quirk { answer: |_, answer| answer.replace("\r\n", "\n"), ..PLAIN }),
    ("lines of CR", false, Quirk { answer: |_, answer| answer.replace("\r\n", "\r"), ..PLAIN }),
    ("no channels", true, Quirk { answer: |_, answer| answer.replace(";interleaved=0-1", ""), ..PLAIN }),
    ("no transport", false, Quirk { answer: |_, answer| answer.replace("Transport:", "X-Transport:"), ..PLAIN }),
    (
        "a session with parameters",
        true,
        Quirk { answer: |_, answer| answer.replace("4711", "4711;foo;timeout=x;bar=1"), ..PLAIN },
    ),
    ("no number", true, Quirk { answer: |_, answer| answer.replace("CSeq", "X-CSeq"), ..PLAIN }),
    ("another number", true, Quirk { answer: |_, answer| answer.replace("CSeq: ", "CSeq: 9"), ..PLAIN }),
    ("another type", true, Quirk { answer: |_, answer| answer.replace("application/sdp", "text/plain;x"), ..PLAIN }),
    ("no base", true, Quirk { answer: |_, answer| answer.replace("Content-Base", "X-Base"), ..PLAIN }),
    (
        "a base without a scheme",
        false,
        Quirk { answer: |_, answer| answer.replace("Base: rtsp://", "Base: "), ..PLAIN },
    ),
    (
        "an empty base",
        false,
        Quirk { answer: |_, answer| answer.replace("Content-Base: rtsp://", "Content-Base: \r\nX: "), ..PLAIN },
    ),
    (
        "a line that is none",
        false,
        Quirk { answer: |_, answer| answer.replace("CSeq", "this is no header\r\nCSeq"), ..PLAIN },
    ),
    ("a folded line", true, Quirk { answer: |_, answer| answer.replace("CSeq", "X: a\r\n b\r\nCSeq"), ..PLAIN }),
    (
        "a length that is too large",
        false,
        Quirk { answer: |_, answer| answer.replace("Length: 1", "Length: 9"), ..PLAIN },
    ),
    (
        "a length that is too small",
        false,
        Quirk { answer: |_, answer| answer.replace("Length: 1", "Length: "), ..PLAIN },
    ),
    ("no length", false, Quirk { answer: |_, answer| answer.replace("Content-Length", "X-Length"), ..PLAIN }),
    (
        "two lengths",
        true,
        Quirk { answer: |_, answer| answer.replace("Content-Length", "Content-Length: 3\r\nContent-Length"), ..PLAIN },
    ),
    ("a question in between", true, Quirk { aside: "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nSession: 4711\r\n\r\n", ..PLAIN }),
    ("junk in between", false, Quirk { aside: "\r\n\r\nwhat is this\r\n", ..PLAIN }),
    (
        "sound first",
        true,
        Quirk { sdp: |sdp| sdp.replace("m=video", "m=audio 0 RTP/AVP 0\r\na=control:track0\r\nm=video"), ..PLAIN },
    ),
    ("spaces in rtpmap", true, Quirk { sdp: |sdp| sdp.replace("rtpmap:96 H264", "rtpmap:96  H264"), ..PLAIN }),
    ("no rtpmap", false, Quirk { sdp: |sdp| sdp.replace("a=rtpmap:96 H264/90000\r\n", ""), ..PLAIN }),
    (
        "rubbish in fmtp",
        true,
        Quirk { sdp: |sdp| sdp.replace("packetization-mode=1", "sprop-parameter-sets=6QAKzA==,6Q=="), ..PLAIN },
    ),
    ("no end of the last line", true, Quirk { sdp: |sdp| sdp.trim_end().to_owned(), ..PLAIN }),
    ("a byte order mark", false, Quirk { sdp: |sdp| format!("\u{feff}{sdp}"), ..PLAIN }),
    ("another source each time", false, Quirk { packet: |number, packet| packet[11] = number as u8 / 3, ..PLAIN }),
    ("another payload type", false, Quirk { packet: |_, packet| packet[1] = packet[1] & 0x80 | 97, ..PLAIN }),
    ("a digest without a comma", true, Quirk { challenge: Some("Digest realm=\"cam\" nonce=\"N\""), ..PLAIN }),
    ("a digest without quotes", true, Quirk { challenge: Some("Digest realm=cam, nonce=N"), ..PLAIN }),
    ("a realm with a space", true, Quirk { challenge: Some("Basic realm=IP Camera"), ..PLAIN }),
    (
        "a nonce for one request",
        true,
        Quirk { challenge: Some("Digest realm=\"cam\", nonce=\"N\", stale=TRUE"), forgets: true, ..PLAIN },
    ),
    (
        "a nonce for one request, in silence",
        false,
        Quirk { challenge: Some("Digest realm=\"cam\", nonce=\"N\""), forgets: true, ..PLAIN },
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_another_player_plays_is_seen_with_a_picture() {
    let mut trials = JoinSet::new();
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(4));
    for (what, asks_ffmpeg, quirk) in PLAYED {
        let places = std::sync::Arc::clone(&places);
        trials.spawn(async move {
            let _few_at_once = places.acquire().await;
            let quirky = QuirkyCamera::start(*quirk).await;
            let ours = probe(&with_password(camera("front", &quirky.url()), "viewer", "right")).await;
            let theirs = if *asks_ffmpeg { Some(ffmpeg_plays(&quirky.url(), "tcp").await) } else { None };
            (*what, theirs, ours)
        });
    }
    let (mut strays, mut played) = (Vec::new(), 0);
    while let Some(Ok((what, theirs, ours))) = trials.join_next().await {
        println!("{what}: ffmpeg {theirs:?}");
        played += u32::from(theirs == Some(true));
        match ours {
            Ok(seen) if seen.glimpse().is_some() && seen.resolution == Some((64, 48)) => {}
            other => strays.push(format!("{what}: {other:?}; ffmpeg: {theirs:?}")),
        }
    }
    assert!(played >= 15, "ffmpeg played only {played}: the cameras of this test are no cameras");
    assert_eq!(strays, Vec::<String>::new());
}

#[tokio::test]
async fn a_camera_without_tcp_is_seen_over_udp() {
    for refusal in ["461 Unsupported Transport", "406 TCP TRANSPORT IS NOT SUPPORTED", "400 Bad Request", ""] {
        let quirky = QuirkyCamera::start(Quirk { udp_only: Some(refusal), ..PLAIN }).await;
        let (clients, camera) = (Clients::new(), camera("front", &quirky.url()));
        for _ in 0..2 {
            let seen =
                prober::probe(&clients, &camera, WISH).await.unwrap_or_else(|failure| panic!("{refusal}: {failure:?}"));
            assert!(seen.glimpse().is_some(), "{refusal}");
        }
        assert!(ffmpeg_plays(&quirky.url(), "udp").await, "{refusal}");
    }
}

#[tokio::test]
async fn only_a_password_that_was_sent_and_refused_is_called_refused() {
    const DIGEST: &str = "Digest realm=\"cam\", nonce=\"N\"";
    for (challenge, password, expected) in [
        (DIGEST, "wrong", Reason::Auth),
        ("Basic realm=\"cam\"", "wrong", Reason::Auth),
        ("", "right", Reason::Protocol),
        ("Bearer realm=\"cam\"", "right", Reason::Protocol),
        ("Digest realm=\"cam\", nonce=\"N\", algorithm=ODD", "right", Reason::Protocol),
    ] {
        let quirky = QuirkyCamera::start(Quirk { challenge: Some(challenge), ..PLAIN }).await;
        let failure = probe(&with_password(camera("front", &quirky.url()), "viewer", password)).await.unwrap_err();
        assert_eq!(failure.reason, expected, "{challenge}: {}", failure.detail);
    }
}

#[tokio::test]
async fn a_redirect_is_followed_on_the_same_host_and_the_password_is_not_given_away_there() {
    let moved = QuirkyCamera::start(Quirk { challenge: Some("Digest realm=\"cam\", nonce=\"N\""), ..PLAIN }).await;
    let thief = QuirkyCamera::start(Quirk { challenge: Some("Basic realm=\"cam\""), ..PLAIN }).await;
    for (to, is_seen) in
        [(moved.url(), true), (thief.url(), false), (moved.url().replace("127.0.0.1", "localhost"), false)]
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("rtsp://{}/old", listener.local_addr().unwrap());
        let mut redirecting = JoinSet::new();
        let answer = format!("RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: {to}\r\n\r\n");
        redirecting.spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1_024];
            let _ = stream.read(&mut request).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let outcome = probe(&with_password(camera("front", &url), "viewer", "right")).await;
        assert_eq!(outcome.is_ok(), is_seen, "{to}: {outcome:?}");
    }
    assert_eq!(thief.given_away.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_cannot_be_used_is_said_word_for_word() {
    for (quirk, words) in [
        (Quirk { sdp: |_| "v=0\r\n<html>\r\n".to_owned(), ..PLAIN }, "line 2, which begins with \"<\""),
        (Quirk { sdp: |sdp| sdp.replace("H264", "VP\u{202e}8"), ..PLAIN }, "offers video as VP8 only"),
        (Quirk { sdp: |sdp| sdp.replace("m=video", "m=audio"), ..PLAIN }, "offers no video"),
        (Quirk { sdp: |_| String::new(), ..PLAIN }, "without a description of its stream"),
        (Quirk { sdp: |sdp| sdp.replace("RTP/AVP", "RTP/SAVP"), ..PLAIN }, "encrypts its video"),
        (Quirk { answer: |_, answer| answer.replace("RTSP/1.0", "HTTP/1.1"), ..PLAIN }, "speaks HTTP"),
        (Quirk { answer: |_, answer| answer.replace("200 OK", "453 Not Enough Bandwidth"), ..PLAIN }, "is busy"),
        (
            Quirk { answer: |_, answer| answer.replace("200 OK", "403 Forbidden"), ..PLAIN },
            "without asking for a login",
        ),
    ] {
        let quirky = QuirkyCamera::start(quirk).await;
        let failure = probe(&camera("front", &quirky.url())).await.unwrap_err();
        assert_eq!(failure.reason, Reason::Protocol, "{words}");
        assert!(failure.detail.contains(words), "{words}: {}", failure.detail);
    }
}
