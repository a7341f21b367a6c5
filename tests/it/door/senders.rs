//! Senders that nobody can mend: addresses as they were typed, tokens where they ended up, and messages that tell nothing.

use camera_herald::events::door::EventKind;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{House, TOKEN};

/// The status of the answer to these bytes, and the answer's body.
async fn raw(house: &House, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(house.addr).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is closed hard has still answered.
    let _all = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer}"));
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn post(path: &str, content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[tokio::test]
async fn an_address_is_taken_as_it_was_typed() {
    let house = House::open().await;
    let path = format!("/api/v1/cameras/front/trigger?token={TOKEN}&type=person");
    for (what, line, description) in [
        (
            "spaces",
            format!("GET {path}&description=Somebody at the door HTTP/1.1").into_bytes(),
            Some("Somebody at the door"),
        ),
        ("letters", format!("GET {path}&description=Haustür HTTP/1.1").into_bytes(), Some("Haustür")),
        (
            "old letters",
            [format!("GET {path}&description=Haust").as_bytes(), b"\xfcr HTTP/1.1"].concat(),
            Some("Haustür"),
        ),
        ("signs", format!("GET {path}&description=<a>\"{{b}}\" HTTP/1.1").into_bytes(), Some("<a>\"{b}\"")),
        ("escapes", format!("GET {path}&description=a%0Ab%20%C2%B0F HTTP/1.1").into_bytes(), Some("a\nb °F")),
        ("slashes", format!("GET /{path} HTTP/1.1").into_bytes(), None),
        ("a last slash", format!("GET {} HTTP/1.1", path.replace('?', "/?")).into_bytes(), None),
        ("the sign of a page", format!("GET {} HTTP/1.1", path.replace('&', "&amp;")).into_bytes(), None),
        ("two questions", format!("GET {} HTTP/1.1", path.replace('&', "?")).into_bytes(), None),
        ("the whole address", format!("GET http://{}{path} HTTP/1.1", house.addr).into_bytes(), None),
        ("an old protocol", format!("GET {path} HTTP/1.0").into_bytes(), None),
    ] {
        for end in ["\r\n", "\n"] {
            let request = [&line, format!("{end}Host: x{end}Connection: close{end}{end}").as_bytes()].concat();
            let (status, answer) = raw(&house, &request).await;
            assert_eq!(status, 202, "{what}: {answer}");
            let event = house.last();
            assert_eq!((event.kind, event.description.as_deref()), (EventKind::Person, description), "{what}");
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn a_token_in_the_body_or_in_a_header_of_its_own_lets_in() {
    let house = House::open().await;
    let path = "/api/v1/cameras/front/trigger";
    let part = format!(
        "--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n{TOKEN}\r\n--b\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\nperson\r\n--b--\r\n"
    );
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", format!("type=person&token={TOKEN}")),
        ("application/json", format!(r#"{{"type":"person","token":"{TOKEN}"}}"#)),
        ("multipart/form-data; boundary=b", part),
    ] {
        let (status, answer) = raw(&house, &post(path, content_type, &body)).await;
        assert_eq!(status, 202, "{content_type}: {answer}");
        let event = house.last();
        assert_eq!(event.kind, EventKind::Person, "{content_type}");
        assert!(!serde_json::to_string(&event.fields).unwrap().contains(TOKEN), "{content_type}");
        let wrong = body.replace(TOKEN, "wrong-token-0123456789");
        assert_eq!(raw(&house, &post(path, content_type, &wrong)).await.0, 401, "{content_type}");
        // Programs say it where it belongs.
        assert_eq!(
            raw(&house, &post("/api/v1/cameras/front/events", content_type, &body)).await.0,
            401,
            "{content_type}"
        );
    }
    let large = format!("token={TOKEN}&x={}", "y".repeat(16 * 1_024));
    assert_eq!(raw(&house, &post(path, "application/x-www-form-urlencoded", &large)).await.0, 401);
    let header = format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-Token: {TOKEN}\r\nConnection: close\r\n\r\n");
    assert_eq!(raw(&house, header.as_bytes()).await.0, 202);
    house.stop().await;
}

#[tokio::test]
async fn signs_of_life_and_ends_of_alarms_are_answered_and_are_no_events() {
    let house = House::open().await;
    let path = format!("/api/v1/cameras/front/trigger?type=motion&token={TOKEN}");
    let xml = |kind: &str, state: &str| {
        format!(
            "--b\r\nContent-Type: application/xml\r\n\r\n<EventNotificationAlert><eventType>{kind}</eventType><eventState>{state}\
             </eventState></EventNotificationAlert>\r\n--b--\r\n"
        )
    };
    for (kind, state) in [("videoloss", "inactive"), ("heartBeat", "active"), ("VMD", "inactive")] {
        let (status, answer) = raw(&house, &post(&path, "multipart/form-data; boundary=b", &xml(kind, state))).await;
        assert_eq!(status, 200, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["event_id"].is_null() && answer["passed_over"].is_string(), "{answer}");
    }
    assert!(house.events().is_empty());
    assert_eq!(raw(&house, &post(&path, "multipart/form-data; boundary=b", &xml("VMD", "active"))).await.0, 202);
    assert_eq!(house.events().len(), 1);
    house.stop().await;
}

#[tokio::test]
async fn a_program_is_told_which_field_is_wrong_where_a_camera_is_not() {
    let house = House::open().await;
    for (body, field) in [
        (r#"{"timestamp":1777896000000}"#, "timestamp"),
        (r#"{"smart_detection_type":7}"#, "smart_detection_type"),
        (r#"{"description":[]}"#, "description"),
        (r#"{"is_doorbell_ring":"perhaps"}"#, "is_doorbell_ring"),
        (r#"{"event_id":{}}"#, "event_id"),
    ] {
        let events = post(&format!("/api/v1/cameras/front/events?token={TOKEN}"), "application/json", body);
        let (status, answer) = raw(&house, &events).await;
        assert!(status == 400 && answer.contains(field), "{body}: {status} {answer}");
        let trigger = post(&format!("/api/v1/cameras/front/trigger?token={TOKEN}"), "application/json", body);
        assert_eq!(raw(&house, &trigger).await.0, 202, "{body}");
    }
    house.stop().await;
}

#[tokio::test]
async fn many_strangers_with_a_token_in_no_place_keep_nobody_out() {
    let house = House::open().await;
    let mut waiting = Vec::new();
    for _ in 0..64 {
        let mut stream = TcpStream::connect(house.addr).await.unwrap();
        let head = "POST /api/v1/cameras/front/trigger HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ntoken=";
        stream.write_all(head.as_bytes()).await.unwrap();
        waiting.push(stream);
    }
    let known =
        format!("GET /api/v1/cameras/front/trigger?token={TOKEN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(raw(&house, known.as_bytes()).await.0, 202);
    drop(waiting);
    house.stop().await;
}
