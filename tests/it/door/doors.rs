//! What is let in, in every form.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use camera_herald::events::door::EventKind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{FORM, House, Mood, TOKEN, cameras, form, jpeg};

#[tokio::test]
async fn json_is_accepted_with_its_id_and_every_field() {
    let house = House::open().await;
    let sent =
        json!({ "event_id": "a/1", "smart_detection_type": "Person", "description": "Somebody", "more": { "x": [1] } });
    let response = house.send(&sent).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(response.json::<Value>().await.unwrap(), json!({ "event_id": "a/1", "duplicate": false }));
    let event = house.last();
    assert_eq!((event.camera.as_str(), event.event_id.as_str(), event.kind), ("front", "a/1", EventKind::Person));
    assert_eq!(event.description.as_deref(), Some("Somebody"));
    assert_eq!(Value::Object(event.fields), sent);
    assert_eq!(event.picture, None);
    house.stop().await;
}

#[tokio::test]
async fn the_same_event_again_is_a_duplicate_and_another_camera_s_is_not() {
    let house = House::open().await;
    let event = json!({ "event_id": "1" });
    assert_eq!(house.send(&event).await.status(), StatusCode::ACCEPTED);
    let again = house.send(&event).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.json::<Value>().await.unwrap(), json!({ "event_id": "1", "duplicate": true }));
    let other = house.post("/api/v1/cameras/back/events").json(&event).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::ACCEPTED);
    assert_eq!(house.events().len(), 2);
    house.stop().await;
}

#[tokio::test]
async fn an_event_without_an_id_gets_one_that_is_answered() {
    let house = House::open().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let body: Value = house.send(&json!({})).await.json().await.unwrap();
        assert_eq!(body["event_id"], house.last().event_id);
        ids.push(house.last().event_id);
    }
    assert_ne!(ids[0], ids[1]);
    assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())), "{ids:?}");
    house.stop().await;
}

#[tokio::test]
async fn a_picture_comes_as_base64_as_data_url_or_as_part_of_a_form() {
    let house = House::open().await;
    // Larger than what is looked at on the spot.
    let mut picture = jpeg(640, 480);
    picture.resize(300_000, 7);
    let text = BASE64_STANDARD.encode(&picture);
    for message in [
        json!({ "image_base64": text }),
        json!({ "thumbnail_base64": text }),
        json!({ "thumbnail_url": format!("data:image/jpeg;base64,{text}") }),
    ] {
        assert_eq!(house.send(&message).await.status(), StatusCode::ACCEPTED);
        assert_eq!(house.last().picture.as_deref(), Some(&picture[..]));
        assert!(house.last().fields.is_empty());
    }
    let json_part: (&str, &[u8]) = ("Content-Type: application/json", br#"{"smart_detection_type":"car"}"#);
    let picture_part: (&str, &[u8]) = ("Content-Disposition: form-data; name=\"any\"; filename=\"a.jpg\"", &picture);
    for parts in [[json_part, picture_part], [picture_part, json_part]] {
        let request = house.post("/api/v1/cameras/back/events").header("content-type", FORM).body(form(&parts));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED);
        assert_eq!((house.last().kind, house.last().picture.as_deref()), (EventKind::Vehicle, Some(&picture[..])));
    }
    house.stop().await;
}

#[tokio::test]
async fn a_camera_that_can_only_call_a_url_triggers() {
    let house = House::open().await;
    for method in [Method::GET, Method::POST] {
        for (query, kind) in
            [("", EventKind::Motion), ("&type=person", EventKind::Person), ("&type=ring", EventKind::Ring)]
        {
            let path = format!("/api/v1/cameras/front/trigger?token={TOKEN}{query}");
            let response = house.request(method.clone(), &path).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::ACCEPTED, "{method} {query}");
            assert_eq!(house.last().kind, kind, "{method} {query}");
            assert!(!house.last().fields.contains_key("token"));
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn what_a_camera_sends_along_with_a_trigger_is_taken_or_passed_over() {
    let house = House::open().await;
    let picture = jpeg(640, 480);
    let xml: (&str, &[u8]) = ("Content-Type: application/xml", b"<EventNotificationAlert/>");
    let both = form(&[xml, ("Content-Type: image/jpeg", &picture)]);
    let json = br#"{"smart_detection_type":"car","n":1}"#.to_vec();
    for (content_type, body, kind, has_picture) in [
        ("application/xml", b"<EventNotificationAlert/>".to_vec(), EventKind::Motion, false),
        ("application/x-www-form-urlencoded", b"a=b".to_vec(), EventKind::Motion, false),
        ("", vec![0; 2_000_000], EventKind::Motion, false),
        (FORM, both, EventKind::Motion, true),
        (FORM, b"no form at all".to_vec(), EventKind::Motion, false),
        ("image/jpeg", picture.clone(), EventKind::Motion, true),
        ("application/json", json, EventKind::Vehicle, false),
    ] {
        let request = house.post("/api/v1/cameras/back/trigger").header("content-type", content_type).body(body);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED, "{content_type}");
        assert_eq!((house.last().kind, house.last().picture.is_some()), (kind, has_picture), "{content_type}");
    }
    house.stop().await;
}

#[tokio::test]
async fn every_form_of_the_token_opens() {
    let house = House::open().await;
    let path = "/api/v1/cameras/front/trigger";
    let get = |query: &str| house.request(Method::GET, &format!("{path}{query}"));
    for request in [
        get("").bearer_auth(TOKEN),
        get("").basic_auth("anybody", Some(TOKEN)),
        get("").basic_auth("", Some(TOKEN)),
        get(&format!("?token={TOKEN}")),
        get("?token=wrong").bearer_auth(TOKEN),
    ] {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED);
    }
    house.stop().await;
}

#[tokio::test]
async fn a_camera_that_joins_is_known_at_once_and_one_that_leaves_is_not() {
    let house = House::open().await;
    let status = async |id: &str| house.post(&format!("/api/v1/cameras/{id}/trigger")).send().await.unwrap().status();
    assert_eq!(status("garage").await, StatusCode::NOT_FOUND);
    let mut changed = cameras();
    changed[2].enabled = true;
    changed.remove(0);
    house.set_cameras(changed);
    assert_eq!(status("garage").await, StatusCode::ACCEPTED);
    assert_eq!(status("front").await, StatusCode::NOT_FOUND);
    house.stop().await;
}

#[tokio::test]
async fn a_stop_ends_idle_connections_and_lets_go_of_the_channel() {
    let house = House::open().await;
    // reqwest keeps this connection open.
    assert_eq!(house.send(&json!({})).await.status(), StatusCode::ACCEPTED);
    let _idle = tokio::net::TcpStream::connect(house.addr).await.unwrap();
    house.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_stuck_disk() {
    let house = House::open().await;
    house.feel(Mood::Stuck);
    let sent = json!({});
    let (sending, ()) = tokio::join!(
        async {
            let request = house.post("/api/v1/cameras/front/events").json(&sent);
            tokio::time::timeout(std::time::Duration::from_millis(200), request.send()).await
        },
        tokio::time::sleep(std::time::Duration::from_millis(100)),
    );
    assert!(sending.is_err(), "nothing is answered before the disk has it");
    house.stop().await;
}

#[tokio::test]
async fn a_new_token_is_asked_for_at_once_and_what_is_under_way_is_kept() {
    let house = House::open().await;
    let body = r#"{"event_id":"old"}"#;
    let head = format!(
        "POST /api/v1/cameras/front/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    let mut under_way = TcpStream::connect(house.addr).await.unwrap();
    under_way.write_all(head.as_bytes()).await.unwrap();
    // The body is asked for only after the token was looked at.
    let mut go_on = [0; 12];
    under_way.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100");

    house.exchange_token("another-token_0123456789");
    assert_eq!(house.send(&json!({ "event_id": "late" })).await.status(), StatusCode::UNAUTHORIZED);
    let request = house.request(Method::POST, "/api/v1/cameras/front/events").bearer_auth("another-token_0123456789");
    assert_eq!(request.json(&json!({ "event_id": "new" })).send().await.unwrap().status(), StatusCode::ACCEPTED);
    under_way.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("HTTP/1.1 202"), "{answer}");
    let ids: Vec<String> = house.events().into_iter().map(|event| event.event_id).collect();
    assert_eq!(ids, ["new", "old"]);
    house.stop().await;
}
