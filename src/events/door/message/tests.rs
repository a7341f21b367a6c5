use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::events::door::picture::tests::jpeg;

fn form(parts: &[(&str, &[u8])]) -> Bytes {
    let mut body = Vec::new();
    for (head, content) in parts {
        body.extend(format!("--b\r\n{head}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    body.into()
}

fn json_body(value: &Value) -> Result<Message, Reject> {
    Message::from_json(value.to_string().as_bytes())
}

#[test]
fn a_picture_is_taken_out_of_the_json() {
    let picture = jpeg(640, 480);
    let text = BASE64_STANDARD.encode(&picture);
    let url = format!("data:image/jpeg;base64,{text}");
    for (key, text) in
        [("image_base64", &text), ("thumbnail_base64", &url), ("thumbnail_url", &url), ("anything", &url)]
    {
        let message = json_body(&json!({ key: text, "x": 1 })).unwrap();
        assert_eq!(message.picture.as_deref(), Some(&picture[..]), "{key}");
        assert_eq!(Value::Object(message.fields), json!({ "x": 1 }), "{key}");
    }
}

#[test]
fn of_two_pictures_the_larger_kind_is_kept_and_none_stays_in_the_fields() {
    let (large, small) = (jpeg(640, 480), jpeg(64, 48));
    let message = json_body(&json!({
        "thumbnail_base64": BASE64_STANDARD.encode(&small),
        "image_base64": BASE64_STANDARD.encode(&large),
    }));
    assert_eq!(message, Ok(Message { fields: Map::new(), picture: Some(large.into()) }));
}

#[test]
fn no_picture_is_none() {
    for none in [json!(null), json!(""), json!(" ")] {
        assert_eq!(json_body(&json!({ "image_base64": none })), Ok(Message::default()));
    }
    assert_eq!(json_body(&json!({ "image_base64": 7 })), Err(Reject::NotBase64));
    let link = json!({ "thumbnail_url": "/api/v1/events/7/thumbnail" });
    assert_eq!(Value::Object(json_body(&link).unwrap().fields), link);
}

#[test]
fn json_has_its_limit_and_the_picture_its_own() {
    let fill = |size: usize| json!({ "x": "y".repeat(size) });
    assert!(json_body(&fill(MAX_JSON - 8)).is_ok());
    assert_eq!(json_body(&fill(MAX_JSON)), Err(Reject::JsonTooLarge));
    let mut large = jpeg(640, 480);
    large.resize(picture::MAX_BYTES, 0);
    let mut message = fill(MAX_JSON - 1_000);
    message["image_base64"] = BASE64_STANDARD.encode(&large).into();
    assert!(json_body(&message).is_ok());
    large.push(0);
    message["image_base64"] = BASE64_STANDARD.encode(&large).into();
    assert_eq!(json_body(&message), Err(Reject::PictureTooLarge));
    assert_eq!(Message::from_json(&vec![b' '; MAX_BODY + 1]), Err(Reject::BodyTooLarge));
}

#[test]
fn the_parts_of_a_form_are_known_by_type_or_content() {
    let picture = jpeg(640, 480);
    let json = br#" {"x":1}"#;
    let expected =
        Message { fields: json!({ "x": 1 }).as_object().unwrap().clone(), picture: Some(picture.clone().into()) };
    for (json_head, picture_head) in [
        ("Content-Type: application/json", "Content-Type: image/jpeg"),
        ("Content-Disposition: form-data; name=\"any\"", "Content-Type: application/octet-stream"),
        ("Content-Type: text/plain", "X: y"),
    ] {
        let in_order = form(&[(json_head, json), (picture_head, &picture)]);
        let turned = form(&[(picture_head, &picture), ("Content-Type: application/xml", b"<a/>"), (json_head, json)]);
        for body in [in_order, turned] {
            assert_eq!(Message::from_multipart("b", &body), Ok(expected.clone()), "{json_head}");
        }
    }
}

#[test]
fn a_form_without_json_is_none_for_the_events_door() {
    let picture = jpeg(640, 480);
    let body = form(&[
        ("Content-Type: application/xml", b"<EventNotificationAlert/>"),
        ("Content-Type: image/jpeg", &picture),
    ]);
    assert_eq!(Message::from_multipart("b", &body), Err(Reject::NoJsonPart));
}

#[test]
fn an_image_that_is_no_jpeg_is_said() {
    let body = form(&[("Content-Type: application/json", b"{}"), ("Content-Type: image/png", b"\x89PNG")]);
    assert_eq!(Message::from_multipart("b", &body), Err(Reject::NotAJpeg));
}

#[test]
fn a_query_gives_fields_but_never_the_token() {
    let query = Message::from_query("type=person&token=secret&description=at%20the+door&x");
    let expected = json!({ "smart_detection_type": "person", "description": "at the door", "x": "" });
    assert_eq!(Value::Object(query.fields.clone()), expected);
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in "[\\[\\]{}\":,a0\\\\u -]{0,200}") {
        let _ = Message::from_json(&bytes);
        let _ = Message::from_json(text.as_bytes());
        let _ = Message::from_query(&text);
        for body in [Bytes::from(bytes), Bytes::from(format!("--b\r\n{text}\r\n\r\n{text}\r\n--b--"))] {
            let _ = Message::from_multipart("b", &body);
        }
    }
}
