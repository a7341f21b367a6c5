//! Snapshots as cameras really send them: what a browser shows is a picture, and of everything else the truth is told.

use std::io::Write;
use std::time::{Duration, Instant};

use camera_herald::camera::prober::{self, Clients};
use camera_herald::camera::{Camera, Failure, Reason, Sighting};

use crate::support::camera::{Manner, ScriptedCamera, camera, http, jpeg, with_password};

const WISH: prober::Wish = prober::Wish { picture_limit: 1 << 20, figures: false };

async fn look(clients: &Clients, camera: &Camera) -> Result<Sighting, Failure> {
    let began = Instant::now();
    let seen = prober::probe(clients, camera, WISH).await;
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    if let Err(failure) = &seen {
        assert!(!failure.detail.contains("secret") && !failure.detail.contains('\n'), "{}", failure.detail);
        assert!(failure.detail.len() < 300, "{}", failure.detail);
    }
    seen
}

/// What is seen of a camera that behaves in this manner.
async fn of(manner: Manner) -> Result<Sighting, Failure> {
    let scripted = ScriptedCamera::start(manner).await;
    look(&Clients::new(), &camera("front", &scripted.url("http", "/snap.jpg?token=secret"))).await
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [head.replace('\n', "\r\n").as_bytes(), b"\r\n\r\n", body].concat()
}

fn packed(picture: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(picture).unwrap();
    packer.finish().unwrap()
}

/// The picture in chunks of these sizes, and the last chunk.
fn chunked(picture: &[u8], size: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for piece in picture.chunks(size) {
        body.extend(format!("{:X}\r\n", piece.len()).as_bytes());
        body.extend_from_slice(piece);
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n\r\n");
    body
}

/// The picture without its Huffman tables.
fn without_tables(picture: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (picture[..2].to_vec(), 2);
    loop {
        let (marker, length) =
            (picture[at + 1], 2 + usize::from(u16::from_be_bytes([picture[at + 2], picture[at + 3]])));
        if marker == 0xda {
            return [&out, &picture[at..]].concat();
        }
        if marker != 0xc4 {
            out.extend_from_slice(&picture[at..at + length]);
        }
        at += length;
    }
}

#[tokio::test]
async fn a_picture_is_a_picture_however_it_is_wrapped() {
    let picture = jpeg(320, 200);
    let size = picture.len();
    let part = [
        format!("--b\r\nContent-Type: image/jpeg\r\nContent-Length: {size}\r\n\r\n").as_bytes(),
        &picture,
        b"\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n",
    ]
    .concat();
    let ok = "HTTP/1.1 200 OK\nContent-Type: image/jpeg";
    let long = |extra: &str| format!("{ok}\n{extra}Content-Length: {size}");
    let tail = [&picture[..], b"dhav\x59\x19\x01\0"].concat();
    let closing: Vec<(&str, Vec<u8>)> = vec![
        ("a length that is too large", answer(&format!("{ok}\nContent-Length: {}", size + 48), &picture)),
        ("a length that is too small", answer(&format!("{ok}\nContent-Length: {}", size - 48), &picture)),
        ("no length", answer(ok, &picture)),
        ("a length twice", answer(&long(&format!("Content-Length: {size}\n")), &picture)),
        ("two lengths", answer(&long("Content-Length: 7\n"), &picture)),
        ("lengths in a list", answer(&format!("{ok}\nContent-Length: {size}, {size}"), &picture)),
        ("a length in words", answer(&format!("{ok}\nContent-Length: {size} bytes"), &picture)),
        ("a negative length", answer(&format!("{ok}\nContent-Length: -1"), &picture)),
        ("an empty length", answer(&format!("{ok}\nContent-Length:"), &picture)),
        ("a length of nothing", answer(&format!("{ok}\nContent-Length: 0"), &picture)),
        ("line feeds only", [b"HTTP/1.1 200 OK\nContent-Type: image/jpeg\n\n", &picture[..]].concat()),
        ("HTTP/1.0", answer("HTTP/1.0 200 OK", &picture)),
        ("HTTP/0.9", picture.clone()),
        ("a status line of another kind", answer("ICY 200 OK\nServer: x", &picture)),
        ("no reason", answer("HTTP/1.1 200", &picture)),
        ("no number", answer("HTTP/1.1 OK", &picture)),
        ("another number of success", answer("HTTP/1.1 203 Whatever", &picture)),
        ("junk among the header lines", answer(&long("this is no header line\n: nor this\nX y z\n"), &picture)),
        ("letters of another time", [b"HTTP/1.1 200 OK\r\nServer: K\xfcche\r\n\r\n", &picture[..]].concat()),
        ("a folded line", answer(&long("X-Long: a\n b\n\tc\n"), &picture)),
        ("no empty line", [b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n", &picture[..]].concat()),
        ("an announcement before", answer("HTTP/1.1 100 Continue", &answer(&long(""), &picture))),
        ("empty lines before", [b"\r\n\r\n", &answer(&long(""), &picture)[..]].concat()),
        (
            "the type of a text",
            answer(&format!("HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: {size}"), &picture),
        ),
        ("the type of a page", answer("HTTP/1.1 200 OK\nContent-Type: text/html; charset=x", &picture)),
        ("no type", answer("HTTP/1.1 200 OK", &picture)),
        (
            "a bare picture called multipart",
            answer("HTTP/1.1 200 OK\nContent-Type: multipart/x-mixed-replace;boundary=b", &picture),
        ),
        ("one part, called a picture", answer(ok, &part)),
        ("chunks", answer(&format!("{ok}\nTransfer-Encoding: chunked"), &chunked(&picture, 100))),
        (
            "chunks and a length",
            answer(&format!("{ok}\nTransfer-Encoding: chunked\nContent-Length: 7"), &chunked(&picture, 100)),
        ),
        (
            "chunks without the last",
            answer(
                &format!("{ok}\nTransfer-Encoding: Chunked"),
                chunked(&picture, 100).strip_suffix(b"0\r\n\r\n").unwrap(),
            ),
        ),
        ("no chunks, called chunked", answer(&format!("{ok}\nTransfer-Encoding: chunked"), &picture)),
        ("gzip", answer(&format!("{ok}\nContent-Encoding: gzip"), &packed(&picture))),
        (
            "gzip in chunks",
            answer(
                &format!("{ok}\nContent-Encoding: gzip\nTransfer-Encoding: chunked"),
                &chunked(&packed(&picture), 99),
            ),
        ),
        ("gzip that is not said", answer(ok, &packed(&picture))),
        ("gzip that is none", answer(&format!("{ok}\nContent-Encoding: gzip"), &picture)),
        ("junk before", answer(ok, &[b"\r\n\r\n\0junk \xff\xd8 ", &picture[..]].concat())),
        ("a tail", answer(&format!("{ok}\nContent-Length: {}", tail.len()), &tail)),
        ("no tables", answer(ok, &without_tables(&picture))),
        ("a picture that broke off, and a whole one", answer(ok, &[&picture[..size - 50], &part].concat())),
    ];
    for (what, said) in closing {
        let seen = of(Manner::Says(said)).await;
        assert_picture(what, seen);
    }
}

#[track_caller]
fn assert_picture(what: &str, seen: Result<Sighting, Failure>) {
    let seen = seen.unwrap_or_else(|failure| panic!("{what}: {failure:?}"));
    assert_eq!((seen.codec.as_deref(), seen.resolution), (Some("jpeg"), Some((320, 200))), "{what}");
    assert!(seen.glimpse().is_some(), "{what}: {:?}", seen.picture);
}

#[tokio::test]
async fn a_picture_counts_when_it_is_whole_also_when_the_connection_stays_open() {
    let picture = jpeg(320, 200);
    let part = [&b"--b\r\nContent-Type: image/jpeg\r\n\r\n"[..], &picture, b"\r\n"].concat();
    let stream = "HTTP/1.1 200 OK\nContent-Type: multipart/x-mixed-replace; boundary=b";
    for (what, manner) in [
        ("a length that is too large", Manner::Stays(answer("HTTP/1.1 200 OK\nContent-Length: 999999", &picture))),
        ("no length", Manner::Stays(answer("HTTP/1.1 200 OK", &picture))),
        ("a slow video of pictures", Manner::Stays(answer(stream, &part))),
        ("the first picture of a video broke off", Manner::Stays(answer(stream, &[&picture[9..], &part].concat()))),
        ("a fast video of pictures", Manner::Endless([answer(stream, b"").as_slice(), &part.repeat(20)].concat())),
    ] {
        let scripted = ScriptedCamera::start(manner).await;
        let began = Instant::now();
        let seen = look(&Clients::new(), &camera("front", &scripted.url("http", "/video"))).await;
        assert_picture(what, seen);
        assert!(began.elapsed() < Duration::from_secs(3), "{what}: {:?}", began.elapsed());
        assert_eq!(scripted.seen().connections, 1, "{what}");
    }
}

#[tokio::test]
async fn what_comes_in_place_of_a_picture_is_called_what_it_is() {
    let picture = jpeg(320, 200);
    let half = &picture[..picture.len() / 2];
    let login = b"<html><form action=login><input type=password></form></html>";
    let json = br#"[{"cmd":"Snap","code":1,"error":{"detail":"please login first","rspCode":-6}}]"#;
    for (said, reason, words) in [
        (http(200, "", login), Reason::Protocol, "looks like a login page"),
        (http(200, "Content-Type: image/jpeg\r\n", login), Reason::Protocol, "looks like a login page"),
        (http(200, "", json), Reason::Protocol, "looks like a login page or message"),
        (http(200, "", &packed(login)), Reason::Protocol, "looks like a login page"),
        (http(200, "", b"<html>secret</html>"), Reason::Protocol, "a web page"),
        (http(200, "", br#"{"state":"secret"}"#), Reason::Protocol, "a message"),
        (http(200, "", b"\0\0\0\x20ftypisom"), Reason::Protocol, "a video"),
        (http(200, "Content-Type: video/mp2t\r\n", b"x"), Reason::Protocol, "a video"),
        (http(200, "", b"GIF89a......"), Reason::Protocol, "neither JPEG nor PNG"),
        (http(200, "", b""), Reason::Protocol, "nothing in place of a picture"),
        (http(204, "", b""), Reason::Protocol, "nothing in place of a picture"),
        (http(200, "", b"\x01\x02\x03secret"), Reason::Protocol, "no JPEG or PNG"),
        (http(200, "", half), Reason::Protocol, "without its end"),
        (answer("HTTP/1.1 200 OK\nContent-Length: 99999", half), Reason::Protocol, "breaks off"),
        (answer("HTTP/1.1 200 OK", half), Reason::Protocol, "breaks off"),
        (http(403, "", b""), Reason::Auth, "forbids"),
        (http(404, "", &picture), Reason::NotFound, "does not know the path"),
        (http(503, "", b""), Reason::Protocol, "503"),
        (b"SSH-2.0-secret\r\n".to_vec(), Reason::Protocol, "does not speak HTTP"),
        (b"\x15\x03\x01\0\x02\x02\x46".to_vec(), Reason::Protocol, "https://"),
        (Vec::new(), Reason::Protocol, "without an answer"),
    ] {
        let failure = of(Manner::Says(said.clone())).await.expect_err(words);
        assert_eq!(failure.reason, reason, "{}", failure.detail);
        assert!(failure.detail.contains(words), "{words}: {}", failure.detail);
    }
}

#[tokio::test]
async fn what_does_not_end_is_ended_and_told_truly() {
    let picture = jpeg(320, 200);
    let part_of_it = answer("HTTP/1.1 200 OK", &picture[..picture.len() - 9]);
    let mut flood = answer("HTTP/1.1 200 OK", b"");
    flood.resize(65_536, b'x');
    let header = [b"HTTP/1.1 200 OK\r\nX-Junk: ", &[b'a'; 65_536][..]].concat();
    let (stalls, floods, heads) =
        tokio::join!(of(Manner::Stays(part_of_it)), of(Manner::Endless(flood)), of(Manner::Endless(header)),);
    for (failure, reason, words) in [
        (stalls, Reason::Timeout, "a part of a picture in 10 s"),
        (floods, Reason::Protocol, "8 MiB"),
        (heads, Reason::Protocol, "header lines without end"),
    ] {
        let failure = failure.expect_err(words);
        assert_eq!((failure.reason, failure.detail.contains(words)), (reason, true), "{}", failure.detail);
    }
}

#[tokio::test]
async fn a_tls_that_is_too_old_is_called_so_with_the_same_words_for_every_scheme() {
    // Fatal alerts: handshake_failure, protocol_version, insufficient_security (RFC 8446, section 6).
    for alert in [0x28, 0x46, 0x47] {
        let old = ScriptedCamera::start(Manner::Greets(vec![0x15, 3, 1, 0, 2, 2, alert])).await;
        for scheme in ["https", "rtsps"] {
            let failure = look(&Clients::new(), &camera("front", &old.url(scheme, "/x"))).await.unwrap_err();
            assert_eq!(failure.reason, Reason::Tls);
            assert!(failure.detail.contains("the camera's TLS is too old"), "{scheme} {alert}: {}", failure.detail);
        }
    }
}

/// A camera that gives these answers in turn, and what came of asking it as a viewer.
async fn in_turn(answers: &[Vec<u8>]) -> (Result<Sighting, Failure>, Vec<String>) {
    let scripted = ScriptedCamera::start(Manner::Says(http(500, "", b""))).await;
    for answer in answers {
        scripted.once(Manner::Says(answer.clone()));
    }
    let camera = with_password(camera("front", &scripted.url("http", "/snap.jpg")), "viewer", "secret");
    let seen = look(&Clients::new(), &camera).await;
    (seen, scripted.seen().requests)
}

fn asks(challenge: &str) -> Vec<u8> {
    http(401, &format!("WWW-Authenticate: {challenge}\r\n"), b"")
}

#[tokio::test]
async fn a_login_is_refused_only_when_it_was_sent_understood_and_refused() {
    let picture = http(200, "", &jpeg(320, 200));
    let fresh = |nonce: &str| asks(&format!("Digest realm=\"cam\", nonce=\"{nonce}\", stale=\"TRUE\""));
    let digest = asks("Digest realm=\"cam\", nonce=\"a\"");
    for (what, answers, expected) in [
        ("a nonce that ran out", vec![digest.clone(), fresh("b"), picture.clone()], Ok(3)),
        ("a challenge without commas", vec![asks("Digest realm=\"cam\" nonce=\"a\""), picture.clone()], Ok(2)),
        ("a bare realm", vec![asks("Basic realm=IP Camera"), picture.clone()], Ok(2)),
        ("a wrong password", vec![digest.clone(), digest.clone(), picture.clone()], Err((Reason::Auth, "refuses"))),
        ("no question at all", vec![http(401, "", b"")], Err((Reason::Protocol, "does not ask for one"))),
        ("a question that nobody understands", vec![asks("NTLM")], Err((Reason::Protocol, "not understood"))),
        ("a broken question", vec![asks("Digest realm=\"cam\"")], Err((Reason::Protocol, "not understood"))),
        (
            "nonces that always run out",
            vec![fresh("a"), fresh("b"), fresh("c"), fresh("d"), fresh("e")],
            Err((Reason::Protocol, "out of date")),
        ),
    ] {
        let (seen, requests) = in_turn(&answers).await;
        match (seen, expected) {
            (Ok(_), Ok(count)) => assert_eq!(requests.len(), count, "{what}"),
            (Err(failure), Err((reason, words))) => {
                assert_eq!(failure.reason, reason, "{what}: {}", failure.detail);
                assert!(failure.detail.contains(words), "{what}: {}", failure.detail);
            }
            (seen, expected) => panic!("{what}: {seen:?}, expected {expected:?}"),
        }
        assert!(!requests.iter().any(|request| request.contains("secret")), "{what}");
    }
}

#[tokio::test]
async fn a_camera_that_asked_by_digest_never_gets_the_password_in_the_clear() {
    let scripted = ScriptedCamera::start(Manner::Says(asks("Basic realm=\"cam\""))).await;
    scripted.once(Manner::Says(asks("Digest realm=\"cam\", nonce=\"a\"")));
    scripted.once(Manner::Says(http(200, "", &jpeg(64, 48))));
    let camera = with_password(camera("front", &scripted.url("http", "/snap.jpg")), "viewer", "secret");
    let clients = Clients::new();
    assert!(look(&clients, &camera).await.is_ok());
    for _ in 0..2 {
        let failure = look(&clients, &camera).await.unwrap_err();
        assert_eq!(failure.reason, Reason::Protocol);
        assert!(failure.detail.contains("in the clear"), "{}", failure.detail);
    }
    assert!(!scripted.seen().requests.iter().any(|request| request.contains("Basic ")));
    // What knows nothing of that day answers as it is asked.
    assert_eq!(look(&Clients::new(), &camera).await.unwrap_err().reason, Reason::Auth);
    assert!(scripted.seen().requests.iter().any(|request| request.contains("Basic ")));
}

#[tokio::test]
async fn the_password_goes_to_the_origin_that_was_entered_and_to_no_other() {
    let picture = http(200, "", &jpeg(320, 200));
    let other = ScriptedCamera::start(Manner::Asks {
        challenge: "Basic realm=\"x\"",
        username: "viewer",
        password: "secret",
        image: jpeg(64, 48),
    })
    .await;
    for away in [
        other.url("http", "/x"),
        other.url("http", "/x").replace("http://", "http://a:b@"),
        other.url("http", "/x").replace("127.0.0.1", "2130706433"),
        other.url("http", "/x").replace("127.0.0.1", "[::ffff:127.0.0.1]"),
        other.url("https", "/x"),
        "file:///etc/passwd".to_owned(),
        "javascript:alert(1)".to_owned(),
    ] {
        let (seen, requests) = in_turn(&[http(302, &format!("Location: {away}\r\n"), b""), picture.clone()]).await;
        let failure = seen.expect_err(&away);
        assert_eq!((failure.reason, requests.len()), (Reason::Protocol, 1), "{away}: {}", failure.detail);
        assert!(failure.detail.contains("another address"), "{away}: {}", failure.detail);
    }
    assert_eq!(other.seen().connections, 0);
    let (seen, requests) = in_turn(&[http(302, "Location: /again\r\n", b""), asks("Basic realm=x"), picture]).await;
    assert!(seen.is_ok() && requests[1].starts_with("GET /again "), "{seen:?}");
    let round = vec![http(302, "Location: /again\r\n", b""); 9];
    assert!(in_turn(&round).await.0.unwrap_err().detail.contains("without end"));
}
