use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

use super::*;
use crate::camera::{CameraId, CameraKind};
use crate::events::door::decode::{self, Envelope};
use crate::events::door::picture::tests::jpeg;
use crate::events::door::{Event, EventKind};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const XML: &str = "application/xml";
const TEXT: &str = "text/plain";

fn received() -> Timestamp {
    "2026-05-04T12:00:00Z".parse().unwrap()
}

fn envelope() -> Envelope {
    Envelope { camera: CameraId::new("front").unwrap(), kind: CameraKind::Doorbell, received: received(), spare_id: 7 }
}

fn event(content_type: &str, body: &[u8], query: &str) -> Result<Event, &'static str> {
    match told(content_type, &Bytes::copy_from_slice(body), query, received()) {
        Told::Event(message) => Ok(decode::event(envelope(), message).expect("nothing at a trigger is refused")),
        Told::Nothing(why) => Err(why),
    }
}

fn hikvision(kind: &str, state: &str, more: &str) -> String {
    format!(
        "<EventNotificationAlert version=\"2.0\" xmlns=\"http://www.hikvision.com/ver20/XMLSchema\">\n<ipAddress>192.0.2.5</ipAddress>\
         <channelID>1</channelID><dateTime>2026-05-04T12:00:01+00:00</dateTime><activePostCount>1</activePostCount>\
         <eventType>{kind}</eventType><eventState>{state}</eventState><eventDescription>{kind} alarm</eventDescription>{more}\
         </EventNotificationAlert>"
    )
}

#[test]
fn what_cameras_and_recorders_say_is_understood() {
    use EventKind::{Animal, Motion, Other, Package, Person, Ring, Sound, Vehicle};
    let unifi = |key: &str| {
        format!(
            r#"{{"alarm":{{"name":"Somebody at the Doorbell","sources":[{{"device":"74ACB9000001","type":"include"}}],"conditions":[{{"condition":{{"type":"is","source":"{key}"}}}}],"triggers":[{{"key":"{key}","device":"74ACB9000001","eventId":"65f0","timestamp":1777896000000}}]}},"timestamp":1777896000000}}"#
        )
    };
    let reolink = |kind: &str| {
        format!(
            r#"{{"alarm":{{"alarmTime":"2026-05-04T12:00:00.000+0000","channel":0,"channelName":"Doorbell","device":"Doorbell","deviceModel":"RLC","message":"{kind} Alarm from Doorbell","name":"x","title":"x","type":"{kind}"}}}}"#
        )
    };
    let frigate = |state: &str, label: &str| {
        format!(
            r#"{{"type":"{state}","before":{{"id":"1.2-a","label":"{label}","frame_time":1.0}},"after":{{"id":"1.2-a","camera":"front_doorbell","label":"{label}","active":true}}}}"#
        )
    };
    let (hik, hik_over) =
        (|kind: &str, more: &str| hikvision(kind, "active", more), |kind: &str| hikvision(kind, "inactive", ""));
    let over = Err("the end of an alarm");
    let alive = Err("a sign of life");
    for (content_type, body, query, expected) in [
        // Nothing but the call.
        ("", String::new(), "", Ok(Motion)),
        ("", String::new(), "type=person", Ok(Person)),
        ("", String::new(), "type=People", Ok(Person)),
        ("", String::new(), "type=spaceship", Ok(Other)),
        ("", String::new(), "type=&description=x", Ok(Motion)),
        ("", String::new(), "smart_detection_type=dog", Ok(Animal)),
        ("", String::new(), "type=doorbell", Ok(Ring)),
        ("", String::new(), "is_doorbell_ring=1", Ok(Ring)),
        ("", String::new(), "type=person&amp;description=x", Ok(Person)),
        // Forms and JSON of one's own; motionEye.
        (FORM, "type=person&token=x".into(), "", Ok(Person)),
        (FORM, "event_type=human&x=1".into(), "", Ok(Person)),
        ("", "type=person&description=Somebody".into(), "", Ok(Person)),
        (FORM, "a=b".into(), "", Ok(Motion)),
        (FORM, "payload=%7B%22type%22%3A%22car%22%7D".into(), "", Ok(Vehicle)),
        (JSON, r#"{"type":"person","token":"x"}"#.into(), "", Ok(Person)),
        (JSON, r#"{"Type":"Vehicle"}"#.into(), "", Ok(Vehicle)),
        (JSON, r#"{"event":{"kind":"package"}}"#.into(), "", Ok(Package)),
        (JSON, r#"{"type":"car"}"#.into(), "type=person", Ok(Person)),
        (JSON, r#"[{"type":"cat"}]"#.into(), "", Ok(Animal)),
        (JSON, r#"{"smart_detection_type":7,"is_doorbell_ring":"perhaps","description":["x"],"event_id":{},"timestamp":true}"#.into(), "", Ok(Motion)),
        (JSON, r#"{"objects_detected":"person"}"#.into(), "", Ok(Person)),
        (JSON, r#"{"description":"the doorbell rang","message":"a car"}"#.into(), "", Ok(Motion)),
        (JSON, "{broken".into(), "", Ok(Motion)),
        (JSON, String::new(), "", Ok(Motion)),
        (TEXT, r#"{"type":"person"}"#.into(), "", Ok(Person)),
        ("", "\u{feff}{\"type\":\"person\"}".into(), "", Ok(Person)),
        (TEXT, "Motion detected".into(), "", Ok(Motion)),
        // UniFi Protect.
        (JSON, unifi("person"), "", Ok(Person)),
        (JSON, unifi("vehicle"), "", Ok(Vehicle)),
        (JSON, unifi("animal"), "", Ok(Animal)),
        (JSON, unifi("package"), "", Ok(Package)),
        (JSON, unifi("motion"), "", Ok(Motion)),
        (JSON, unifi("ring"), "", Ok(Ring)),
        (JSON, unifi("doorbell_rang"), "", Ok(Ring)),
        (JSON, unifi("audio_alarm_baby_cry"), "", Ok(Sound)),
        (JSON, unifi("license_plate_unknown"), "", Ok(Motion)),
        // Reolink.
        (JSON, reolink("MD"), "", Ok(Motion)),
        (JSON, reolink("PEOPLE"), "", Ok(Person)),
        (JSON, reolink("VEHICLE"), "", Ok(Vehicle)),
        (JSON, reolink("DOG_CAT"), "", Ok(Animal)),
        (JSON, reolink("PET"), "", Ok(Animal)),
        (JSON, reolink("VISITOR"), "", Ok(Ring)),
        (JSON, reolink("FACE"), "", Ok(Person)),
        (JSON, reolink("TEST"), "", Ok(Motion)),
        // Frigate.
        (JSON, frigate("new", "person"), "", Ok(Person)),
        (JSON, frigate("new", "car"), "", Ok(Vehicle)),
        (JSON, frigate("end", "person"), "", over),
        (JSON, frigate("update", "person"), "", Err("a repetition of an alarm")),
        (JSON, r#"{"type":"new","before":{"data":{}},"after":{"severity":"alert","data":{"objects":["dog"]}}}"#.into(), "", Ok(Animal)),
        // Hikvision.
        (XML, hik("VMD", ""), "", Ok(Motion)),
        (XML, hik("VMD", "<targetType>human</targetType>"), "", Ok(Person)),
        (XML, hik("VMD", "<targetType>vehicle</targetType>"), "", Ok(Vehicle)),
        (XML, hik("VMD", "<targetType>human,vehicle</targetType>"), "", Ok(Person)),
        (XML, hik("linedetection", "<detectionTarget>human</detectionTarget>"), "", Ok(Person)),
        (XML, hik("fielddetection", ""), "", Ok(Motion)),
        (XML, hik("facedetection", ""), "", Ok(Person)),
        (XML, hik("audioexception", ""), "", Ok(Sound)),
        (XML, hik("tamperdetection", ""), "", Ok(Motion)),
        ("text/html", hik("VMD", ""), "", Ok(Motion)),
        ("", hik("VMD", ""), "type=person", Ok(Person)),
        (XML, hik_over("VMD"), "type=motion", over),
        (XML, hik_over("videoloss"), "type=motion", over),
        (XML, hik("heartBeat", ""), "type=motion", alive),
        (XML, "<EventNotificationAlert/>".into(), "", Ok(Motion)),
        (JSON, r#"{"ipAddress":"192.0.2.5","eventType":"VMD","eventState":"active","channelID":1}"#.into(), "", Ok(Motion)),
        (JSON, r#"{"eventType":"heartBeat","eventState":"active"}"#.into(), "", alive),
        (JSON, r#"{"EventNotificationAlert":{"eventType":"fielddetection","eventState":"inactive"}}"#.into(), "", over),
        // Dahua.
        (TEXT, "Code=VideoMotion;action=Start;index=0".into(), "", Ok(Motion)),
        (TEXT, "Code=VideoMotion;action=Stop;index=0".into(), "", over),
        (TEXT, "Code=SmartMotionHuman;action=Start;index=0;data={\n \"object\" : [ { \"HumamID\" : 1 } ] }".into(), "", Ok(Person)),
        (TEXT, "Code=SmartMotionVehicle;action=Start;index=0".into(), "", Ok(Vehicle)),
        (TEXT, "Code=CrossLineDetection;action=Start;index=0;data={\"Object\":{\"ObjectType\":\"Human\"}}".into(), "", Ok(Person)),
        (TEXT, "Code=AudioMutation;action=Start;index=0".into(), "", Ok(Sound)),
        (TEXT, "Code=VideoMotionInfo;action=State;index=0".into(), "", Err("a message in passing")),
        (TEXT, "Code=TimeChange;action=Pulse;index=0;data={\"ModifiedTime\":\"x\"}".into(), "", Err("a message in passing")),
        (TEXT, "Code=CallNoAnswered;action=Start;index=0\nCode=Invite".into(), "", Ok(Motion)),
        (TEXT, "Code=Invite;action=Pulse;index=0".into(), "", Ok(Ring)),
        (TEXT, "Heartbeat".into(), "", alive),
        (JSON, r#"{"Action":"Start","Code":"VideoMotion","Index":0,"Data":{"LocaleTime":"2026-05-04 14:00:00"}}"#.into(), "", Ok(Motion)),
        (JSON, r#"{"Action":"Stop","Code":"VideoMotion","Index":0}"#.into(), "", over),
        (JSON, r#"{"Events":[{"Action":"Start","Code":"SmartMotionHuman","Index":0}]}"#.into(), "", Ok(Person)),
        (JSON, r#"{"Events":[{"Action":"Stop","Code":"VideoMotion"},{"Action":"Start","Code":"VideoMotion"}]}"#.into(), "", Ok(Motion)),
        // Blue Iris, AgentDVR, Shinobi, Scrypted, Axis, Synology.
        (JSON, r#"{"camera":"Doorbell","trigger":"ON","type":"MOTION_A","memo":"person:87%,car:60%"}"#.into(), "", Ok(Person)),
        (JSON, r#"{"camera":"cam1","trigger":"OFF","type":"MOTION_A"}"#.into(), "", over),
        (TEXT, "type=AUDIO&cam=cam1".into(), "", Ok(Sound)),
        (JSON, r#"{"event":"detect","name":"Doorbell","tags":"dog,person","ai":""}"#.into(), "", Ok(Animal)),
        (JSON, r#"{"info":{"f":"detectorTrigger","id":"cam","ke":"x","details":{"plug":"yolo","reason":"object","confidence":90,"matrices":[{"tag":"person","confidence":0.9}]}}}"#.into(), "", Ok(Person)),
        (JSON, r#"{"details":{"name":"x","reason":"soundChange"}}"#.into(), "", Ok(Sound)),
        (JSON, r#"{"eventInterface":"ObjectDetector","eventData":{"timestamp":1777896000000,"detections":[{"className":"person","score":0.9}]}}"#.into(), "", Ok(Person)),
        (JSON, r#"{"eventInterface":"MotionSensor","eventData":true}"#.into(), "", Ok(Motion)),
        (JSON, r#"{"eventInterface":"MotionSensor","eventData":false}"#.into(), "", over),
        (JSON, r#"{"topic":"tns1:VideoSource/MotionAlarm","message":{"data":{"active":"1"}}}"#.into(), "", Ok(Motion)),
        (JSON, r#"{"topic":"tns1:VideoSource/MotionAlarm","message":{"data":{"active":"0"}}}"#.into(), "", over),
        (JSON, r#"{"text":"Motion detected on Doorbell"}"#.into(), "", Ok(Motion)),
        (FORM, "payload=%7B%22text%22%3A%22Motion%22%7D".into(), "", Ok(Motion)),
        (JSON, r#"{"motion":false}"#.into(), "", over),
        (JSON, r#"{"event":"keepalive"}"#.into(), "", alive),
    ] {
        let seen = event(content_type, body.as_bytes(), query).map(|event| event.kind);
        assert_eq!(seen, expected, "{content_type} {query} {body}");
    }
}

#[test]
fn a_picture_is_found_in_any_body() {
    let picture = jpeg(640, 480);
    let text = BASE64_STANDARD.encode(&picture);
    let parts = |boundary: &str, line: &str, heads: &[&str], contents: &[&[u8]]| {
        let mut body = Vec::new();
        for (head, content) in heads.iter().zip(contents) {
            body.extend(format!("--{boundary}{line}{head}{line}{line}").as_bytes());
            body.extend_from_slice(content);
            body.extend(line.as_bytes());
        }
        body.extend(format!("--{boundary}--{line}").as_bytes());
        body
    };
    let plain = |boundary: &str| parts(boundary, "\r\n", &["Content-Type: image/jpeg"], &[&picture]);
    let xml = hikvision("VMD", "active", "");
    let with_xml =
        parts("b", "\r\n", &["Content-Type: application/xml", "Content-Type: image/jpeg"], &[xml.as_bytes(), &picture]);
    let nested = parts("outer", "\r\n", &["Content-Type: multipart/mixed; boundary=b"], &[&with_xml]);
    for (what, content_type, body) in [
        ("a bare one", "image/jpeg", picture.clone()),
        ("of another name", "image/jpg", picture.clone()),
        ("of an old name", "image/pjpeg", picture.clone()),
        ("of no type", "", picture.clone()),
        ("of a type that says nothing", "application/octet-stream", picture.clone()),
        ("of a wrong type", "application/json", picture.clone()),
        ("a parameter without a name", "image/jpeg;", picture.clone()),
        ("a form", "multipart/form-data; boundary=b", plain("b")),
        ("mixed", "multipart/mixed; boundary=b", plain("b")),
        ("related", "multipart/related; boundary=\"b\"", plain("b")),
        ("replaced", "multipart/x-mixed-replace; boundary=b", plain("b")),
        ("the dashes in the type", "multipart/form-data; boundary=--b", plain("b")),
        ("dashes of a browser", "multipart/form-data; boundary=----x1", plain("----x1")),
        ("no boundary in the type", "multipart/form-data", plain("b")),
        ("another boundary in the type", "multipart/form-data; boundary=other", plain("b")),
        ("no type at all", "", plain("b")),
        (
            "line feeds only",
            "multipart/mixed; boundary=b",
            parts("b", "\n", &["Content-Type: image/jpeg"], &[&picture]),
        ),
        ("broken off", "multipart/mixed; boundary=b", plain("b")[..picture.len() + 40].to_vec()),
        ("beside XML", "multipart/form-data; boundary=b", with_xml),
        ("in one another", "multipart/mixed; boundary=outer", nested),
        ("base64 in JSON", JSON, format!(r#"{{"a":{{"b":["{text}"]}}}}"#).into()),
        (
            "a data address in JSON",
            JSON,
            format!(r#"{{"alarm":{{"thumbnail":"data:image/jpeg;base64,{text}"}}}}"#).into(),
        ),
        ("under our own name", JSON, format!(r#"{{"image_base64":"{text}"}}"#).into()),
        ("base64 in a form", FORM, format!("image={}", text.replace('+', "%2B")).into()),
        ("behind what nobody knows", "application/x-own", [&b"\0\x01\x02"[..], &picture].concat()),
    ] {
        let event = event(content_type, &body, "").unwrap();
        assert_eq!(event.picture.as_deref(), Some(&picture[..]), "{what}");
        let kept = serde_json::to_string(&event.fields).unwrap();
        assert!(!kept.contains("/9j/"), "{what}: no picture stays in the fields");
    }
    let broken = event("image/jpeg", b"\xff\xd8\xff no picture", "type=person").unwrap();
    assert_eq!((broken.kind, broken.picture), (EventKind::Person, None));
}

#[test]
fn times_are_taken_as_far_as_they_leave_nothing_to_guess() {
    for (body, expected) in [
        (r#"{"timestamp":1777896001000}"#, "2026-05-04T12:00:01Z"),
        (r#"{"timestamp":1777896001}"#, "2026-05-04T12:00:01Z"),
        (r#"{"timestamp":"1777896001"}"#, "2026-05-04T12:00:01Z"),
        (r#"{"timestamp":1777896001.5}"#, "2026-05-04T12:00:01.5Z"),
        (r#"{"timestamp":1777896001000000}"#, "2026-05-04T12:00:01Z"),
        (r#"{"timestamp":"2026-05-04T14:00:01+02:00"}"#, "2026-05-04T12:00:01Z"),
        (r#"{"timestamp":"2026-05-03T12:00:00Z"}"#, "2026-05-03T12:00:00Z"),
        (r#"{"dateTime":"2026-05-04T14:01:00+02:00"}"#, "2026-05-04T12:01:00Z"),
        (r#"{"dateTime":"2026-05-04T14:01:00"}"#, "2026-05-04T12:00:00Z"),
        (r#"{"dateTime":"1970-01-01T00:00:00Z"}"#, "2026-05-04T12:00:00Z"),
        (r#"{"timestamp":"yesterday"}"#, "2026-05-04T12:00:00Z"),
        (r#"{"timestamp":7}"#, "2026-05-04T12:00:00Z"),
        (r#"{"timestamp":1e300}"#, "2026-05-04T12:00:00Z"),
        (r#"{"timestamp":"2226-05-04T12:00:00Z"}"#, "2026-05-04T12:00:00Z"),
        (r#"{"timestamp":null}"#, "2026-05-04T12:00:00Z"),
    ] {
        let event = event(JSON, body.as_bytes(), "").unwrap();
        assert_eq!(event.timestamp, expected.parse::<Timestamp>().unwrap(), "{body}");
    }
}

#[test]
fn words_and_fields_are_kept_and_the_token_is_not() {
    let form = event(FORM, b"type=person&token=secret&description=Somebody&x=1", "token=secret").unwrap();
    assert_eq!(form.description.as_deref(), Some("Somebody"));
    assert_eq!(form.fields["x"], "1");
    assert!(!serde_json::to_string(&form.fields).unwrap().contains("secret"));
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\ncar\r\n--b\r\nContent-Disposition: form-data; \
                     name=\"description\"\r\n\r\nA car\r\n--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nsecret\r\n--b--\r\n";
    let parts = event("multipart/form-data; boundary=b", multipart.as_bytes(), "").unwrap();
    assert_eq!((parts.kind, parts.description.as_deref()), (EventKind::Vehicle, Some("A car")));
    assert!(!serde_json::to_string(&parts.fields).unwrap().contains("secret"));
    let xml = event(XML, hikvision("VMD", "active", "").as_bytes(), "").unwrap();
    assert_eq!(xml.description.as_deref(), Some("VMD alarm"));
    assert_eq!((xml.fields["channelID"].as_str(), xml.fields["eventType"].as_str()), (Some("1"), Some("VMD")));
    assert_eq!(event(JSON, br#"{"event_id":"a","description":""}"#, "").unwrap().event_id, "a");
    for (body, expected) in [("token=x", Some("x")), ("a=b", None), ("", None)] {
        assert_eq!(token(FORM, &Bytes::from_static(body.as_bytes())).as_deref(), expected);
    }
    assert_eq!(token(JSON, &Bytes::from_static(br#"{"token":"x"}"#)).as_deref(), Some("x"));
    assert_eq!(token(JSON, &Bytes::from_static(br#"{"token":7}"#)), None);
}

proptest! {
    #[test]
    fn nothing_that_comes_is_refused_or_stumbled_over(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        text in "[-{}\\[\\]<>&;=/:\",a0\\r\\n]{0,200}",
        content_type in "(multipart/mixed; boundary=-?a|application/json|application/x-www-form-urlencoded|)",
    ) {
        for body in [&bytes[..], text.as_bytes()] {
            let _ = event(&content_type, body, &text);
        }
    }
}
