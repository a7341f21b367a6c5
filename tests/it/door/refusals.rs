//! What is refused: one clear answer each.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use camera_herald::events::door::{Bounds, Refused};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

use super::support::{FORM, House, Mood, TOKEN, form, jpeg, problem};

const EVENTS: &str = "/api/v1/cameras/front/events";

#[tokio::test]
async fn a_missing_or_wrong_token_is_told_apart_and_challenged() {
    let house = House::open().await;
    let wrong = |request: reqwest::RequestBuilder| request.bearer_auth("wrong-wrong-wrong-wrong");
    let get = |path: &str| house.request(Method::GET, path);
    let right = format!("/api/v1/cameras/front/trigger?token={TOKEN}");
    for (request, word) in [
        (get("/api/v1/cameras/front/trigger"), "missing"),
        (get("/api/v1/cameras/nobody/trigger"), "missing"),
        (get("/api/v1/cameras/front/trigger?token=wrong"), "wrong"),
        (wrong(get("/api/v1/cameras/front/trigger")), "wrong"),
        (wrong(get(&right)), "wrong"),
        (get(&right).basic_auth(TOKEN, Some("wrong")), "wrong"),
        (get("/api/v1/cameras/front/trigger").basic_auth(TOKEN, None::<&str>), "wrong"),
        (get(&right).header("authorization", "Digest x"), "wrong"),
    ] {
        let response = request.send().await.unwrap();
        let challenges: Vec<_> = response.headers().get_all("www-authenticate").iter().cloned().collect();
        assert!(
            challenges[0].to_str().unwrap().starts_with("Bearer")
                && challenges[1].to_str().unwrap().starts_with("Basic")
        );
        let detail = problem(response, StatusCode::UNAUTHORIZED).await;
        assert!(detail.contains(word), "{detail}");
    }
    assert!(house.events().is_empty());
    house.stop().await;
}

#[tokio::test]
async fn unknown_cameras_and_addresses_are_not_found() {
    let house = House::open().await;
    for id in [
        "nobody",
        "garage",
        "Front",
        "front%2F..%2Fback",
        "front%00",
        "%23",
        "%2B",
        "%ff",
        "bridge",
        "a%2Fb",
        &"x".repeat(5_000),
    ] {
        let response = house.post(&format!("/api/v1/cameras/{id}/events")).json(&json!({})).send().await.unwrap();
        let detail = problem(response, StatusCode::NOT_FOUND).await;
        assert!(detail.contains("no enabled camera"), "{detail}");
    }
    for path in ["/", "/api/v1/cameras/front", "/api/v1/cameras//events", "/api/v1/cameras/front/events/more"] {
        problem(house.post(path).send().await.unwrap(), StatusCode::NOT_FOUND).await;
    }
    assert!(house.events().is_empty());
    house.stop().await;
}

#[tokio::test]
async fn wrong_methods_are_told_the_right_ones() {
    let house = House::open().await;
    let trigger = "/api/v1/cameras/front/trigger";
    for (method, path, allowed) in [
        (Method::GET, EVENTS, "POST"),
        (Method::PUT, EVENTS, "POST"),
        (Method::DELETE, trigger, "GET, POST"),
        (Method::HEAD, trigger, "GET, POST"),
    ] {
        let response = house.request(method.clone(), path).bearer_auth(TOKEN).send().await.unwrap();
        assert_eq!(response.headers()["allow"], allowed, "{method} {path}");
        if method == Method::HEAD {
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        } else {
            problem(response, StatusCode::METHOD_NOT_ALLOWED).await;
        }
    }
    assert!(house.events().is_empty(), "HEAD changes nothing");
    house.stop().await;
}

#[tokio::test]
async fn bad_events_are_refused_with_what_to_do() {
    let house = House::open().await;
    for (body, word) in [
        (r"{".to_owned(), "line 1, column 1"),
        (String::new(), "broken"),
        (r"{'event_id': 1}".to_owned(), "broken"),
        ("[]".to_owned(), "object"),
        (format!(r#"{{"a":{}{}}}"#, "[".repeat(50_000), "]".repeat(50_000)), "nested"),
        (format!(r#"{{"a":[{}1]}}"#, "1,".repeat(20_000)), "too many values"),
        (r#"{"event_id":"a\u0000b"}"#.to_owned(), "event_id"),
        (format!(r#"{{"event_id":"{}"}}"#, "x".repeat(129)), "event_id"),
        (r#"{"event_id":""}"#.to_owned(), "event_id"),
        (r#"{"timestamp":"1970-01-01T00:00:00Z"}"#.to_owned(), "clock"),
        (r#"{"timestamp":"2100-01-01T00:00:00Z"}"#.to_owned(), "clock"),
        (r#"{"timestamp":"yesterday"}"#.to_owned(), "RFC 3339"),
        (r#"{"smart_detection_type":[]}"#.to_owned(), "smart_detection_type"),
        (r#"{"description":1}"#.to_owned(), "description"),
        (r#"{"is_doorbell_ring":"x"}"#.to_owned(), "is_doorbell_ring"),
        (r#"{"image_base64":"%%%"}"#.to_owned(), "base64"),
        (r#"{"image_base64":{}}"#.to_owned(), "base64"),
    ] {
        let request = house.post(EVENTS).header("content-type", "application/json").body(body.clone());
        let detail = problem(request.send().await.unwrap(), StatusCode::BAD_REQUEST).await;
        assert!(detail.contains(word), "{body}: {detail}");
    }
    assert!(house.events().is_empty());
    house.stop().await;
}

#[tokio::test]
async fn an_answer_repeats_nothing_of_the_message() {
    let house = House::open().await;
    let request = house.post(EVENTS).header("content-type", "application/json").body(r#"{"password":"hunter2",}"#);
    let detail = problem(request.send().await.unwrap(), StatusCode::BAD_REQUEST).await;
    assert!(!detail.contains("hunter2"), "{detail}");
    house.stop().await;
}

#[tokio::test]
async fn control_characters_in_texts_are_taken_out() {
    let house = House::open().await;
    let sent = json!({ "description": "a\u{0}b\u{1b}[31m\r\nc", "k\u{7}": "\u{9f}" });
    assert_eq!(house.send(&sent).await.status(), StatusCode::ACCEPTED);
    assert_eq!(house.last().description.as_deref(), Some("ab[31m\nc"));
    assert_eq!(Value::Object(house.last().fields), json!({ "description": "ab[31m\nc", "k": "" }));
    house.stop().await;
}

#[tokio::test]
async fn pictures_that_are_none_or_bombs_are_refused() {
    let house = House::open().await;
    let png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (picture, status) in [
        (png, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (b"\xff\xd8\xff and then nothing of a picture".to_vec(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (jpeg(65_500, 65_500), StatusCode::PAYLOAD_TOO_LARGE),
        (jpeg(8_192, 8_192), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let text = BASE64_STANDARD.encode(&picture);
        let detail = problem(house.send(&json!({ "image_base64": text })).await, status).await;
        assert!(detail.contains("picture"), "{detail}");
        let body = form(&[("Content-Type: application/json", b"{}"), ("Content-Type: image/jpeg", &picture)]);
        let request = house.post(EVENTS).header("content-type", FORM).body(body);
        problem(request.send().await.unwrap(), status).await;
    }
    assert!(house.events().is_empty());
    house.stop().await;
}

#[tokio::test]
async fn other_content_types_are_refused_at_the_events_door() {
    let house = House::open().await;
    for content_type in ["", "text/plain", "application/x-www-form-urlencoded", "image/jpeg", "application/jsonx"] {
        let request = house.post(EVENTS).header("content-type", content_type).body("{}");
        let detail = problem(request.send().await.unwrap(), StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
        assert!(detail.contains("application/json"), "{detail}");
    }
    for content_type in ["application/json", "Application/JSON; charset=utf-8", "application/cloudevents+json"] {
        let request = house.post(EVENTS).header("content-type", content_type).body("{}");
        assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED, "{content_type}");
    }
    house.stop().await;
}

#[tokio::test]
async fn broken_forms_are_refused() {
    let house = House::open().await;
    let no_json = form(&[("Content-Type: image/jpeg", &jpeg(64, 48))]);
    for (content_type, body, word) in [
        ("multipart/form-data", Vec::new(), "boundary"),
        (FORM, Vec::new(), "cut off"),
        (FORM, b"--b0undary\r\n\r\n{}".to_vec(), "cut off"),
        (FORM, no_json, "JSON"),
        (FORM, form(&[("Content-Type: application/json", b"{")]), "line 1"),
    ] {
        let request = house.post(EVENTS).header("content-type", content_type).body(body);
        let detail = problem(request.send().await.unwrap(), StatusCode::BAD_REQUEST).await;
        assert!(detail.contains(word), "{detail}");
    }
    house.stop().await;
}

#[tokio::test]
async fn what_is_not_kept_is_never_accepted() {
    let bounds = Bounds { disk: Duration::from_millis(300), ..Bounds::default() };
    let house = House::with(bounds).await;
    for (mood, word) in [
        (Mood::Refuse(Refused::Full), "broker"),
        (Mood::Refuse(Refused::Storage("no space left on device".to_owned())), "no space left"),
        (Mood::Silent, "could not say"),
        (Mood::Stuck, "could not say"),
    ] {
        house.feel(mood.clone());
        let detail = problem(house.send(&json!({ "event_id": "1" })).await, StatusCode::SERVICE_UNAVAILABLE).await;
        assert!(detail.contains(word), "{mood:?}: {detail}");
    }
    house.feel(Mood::Keep);
    assert_eq!(house.send(&json!({ "event_id": "1" })).await.status(), StatusCode::ACCEPTED, "and then it is");
    house.stop().await;
}

#[tokio::test]
async fn without_anybody_behind_the_channel_it_is_503() {
    let house = House::without_outbox().await;
    problem(house.send(&json!({})).await, StatusCode::SERVICE_UNAVAILABLE).await;
    house.stop().await;
}
