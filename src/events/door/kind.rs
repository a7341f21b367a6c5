//! What was seen, in the words of many senders.

use serde_json::{Map, Value};

use super::{EventKind, Reject};
use crate::camera::CameraKind;

/// The kind of a message. Without a type, the first known object counts (ArgusAI's webhook says nothing else), and
/// without one something moved: that is what makes a camera send at all.
pub(super) fn of_message(fields: &Map<String, Value>, camera: CameraKind) -> Result<EventKind, Reject> {
    let kind = if rings(fields)? { EventKind::Ring } else { by_type(fields)? };
    // The event entity of a camera without a bell button does not know the type.
    let known = kind != EventKind::Ring || camera == CameraKind::Doorbell;
    Ok(if known { kind } else { EventKind::Other })
}

fn rings(fields: &Map<String, Value>) -> Result<bool, Reject> {
    match fields.get("is_doorbell_ring") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(rings)) => Ok(*rings),
        // Templates of Home Assistant and queries of URLs know only texts.
        Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" | "" => Ok(false),
            _ => Err(Reject::Ring),
        },
        Some(_) => Err(Reject::Ring),
    }
}

fn by_type(fields: &Map<String, Value>) -> Result<EventKind, Reject> {
    match fields.get("smart_detection_type") {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(from_word(text).unwrap_or(EventKind::Other)),
        None | Some(Value::Null | Value::String(_)) => Ok(by_objects(fields).unwrap_or(EventKind::Motion)),
        Some(_) => Err(Reject::Type),
    }
}

fn by_objects(fields: &Map<String, Value>) -> Option<EventKind> {
    fields.get("objects_detected")?.as_array()?.iter().find_map(|object| from_word(object.as_str()?))
}

/// The kind that a sender's word means, in any case and however its words are joined.
pub(super) fn from_word(word: &str) -> Option<EventKind> {
    let word: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(32).collect();
    Some(match word.as_str() {
        "motion"
        | "movement"
        | "moving"
        | "move"
        | "linecrossing"
        | "crossline"
        | "linedetection"
        | "crosslinedetection"
        | "tripwire"
        | "intrusion"
        | "fielddetection"
        | "crossregion"
        | "crossregiondetection"
        | "regionentrance"
        | "regionexiting"
        | "attendedbaggage"
        | "loitering"
        | "wanderdetection"
        | "movedetection"
        | "vmd"
        | "md"
        | "pir"
        | "videomotion"
        | "motiondetection"
        | "motiondetected"
        | "motionalarm"
        | "smartmotion" => EventKind::Motion,
        "person" | "people" | "persons" | "face" | "human" | "humans" | "pedestrian" | "man" | "woman" | "child"
        | "facedetection" | "facerecognition" | "facedetected" | "persondetected" | "humandetection"
        | "persondetection" | "peopledetection" | "smartmotionhuman" => EventKind::Person,
        "vehicle"
        | "vehicles"
        | "car"
        | "cars"
        | "truck"
        | "bus"
        | "van"
        | "motorcycle"
        | "motorbike"
        | "bicycle"
        | "bike"
        | "motorvehicle"
        | "nonmotor"
        | "nonmotorvehicle"
        | "vehicledetection"
        | "vehicledetected"
        | "smartmotionvehicle"
        | "licenseplate"
        | "licenseplateofinterest"
        | "anpr"
        | "lpr" => EventKind::Vehicle,
        "package" | "packages" | "parcel" | "packagedelivered" | "packagedetected" => EventKind::Package,
        "animal" | "animals" | "dog" | "cat" | "dogcat" | "bird" | "pet" | "pets" | "horse" | "bear" | "deer"
        | "animaldetected" | "animaldetection" => EventKind::Animal,
        "sound" | "audio" | "noise" | "soundchange" | "audiodetection" | "audioexception" | "audioanomaly"
        | "audiomutation" | "babycry" | "crying" | "cry" | "bark" | "barking" | "scream" | "glassbreak" | "speak"
        | "alrmspeak" | "alrmsmoke" | "alrmcmonx" | "alrmbabycry" | "alrmbark" | "alrmburglar" | "alrmglassbreak" => {
            EventKind::Sound
        }
        "ring" | "rings" | "ringing" | "doorbell" | "doorbellring" | "doorbellrang" | "doorbellpress"
        | "doorbellpressed" | "visitor" | "button" | "buttonpress" | "buttonpressed" | "callbutton" | "invite" => {
            EventKind::Ring
        }
        "other" => EventKind::Other,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(fields: &Value, camera: CameraKind) -> Result<EventKind, Reject> {
        of_message(fields.as_object().unwrap(), camera)
    }

    #[test]
    fn the_words_of_many_senders_are_understood() {
        for (word, expected) in [
            ("person", EventKind::Person),
            ("People", EventKind::Person),
            (" FACE ", EventKind::Person),
            ("truck", EventKind::Vehicle),
            ("parcel", EventKind::Package),
            ("Dog", EventKind::Animal),
            ("noise", EventKind::Sound),
            ("line_crossing", EventKind::Motion),
            ("Line Crossing", EventKind::Motion),
            ("doorbell", EventKind::Ring),
            ("spaceship", EventKind::Other),
            ("other", EventKind::Other),
            ("", EventKind::Motion),
        ] {
            assert_eq!(kind(&json!({ "smart_detection_type": word }), CameraKind::Doorbell), Ok(expected), "{word}");
        }
        for known in EventKind::OF_A_CAMERA.into_iter().chain([EventKind::Ring]) {
            assert_eq!(from_word(known.as_str()), Some(known));
        }
    }

    #[test]
    fn without_a_type_the_objects_speak() {
        let camera = CameraKind::Camera;
        for (fields, expected) in [
            (json!({}), EventKind::Motion),
            (json!({ "smart_detection_type": null, "objects_detected": [] }), EventKind::Motion),
            (json!({ "objects_detected": [7, "unknown", "Car", "person"] }), EventKind::Vehicle),
            (json!({ "smart_detection_type": "bird", "objects_detected": ["person"] }), EventKind::Animal),
        ] {
            assert_eq!(kind(&fields, camera), Ok(expected), "{fields}");
        }
    }

    #[test]
    fn only_a_doorbell_rings() {
        for yes in [json!(true), json!("True"), json!("true")] {
            let ring = json!({ "is_doorbell_ring": yes, "smart_detection_type": "person" });
            assert_eq!(kind(&ring, CameraKind::Doorbell), Ok(EventKind::Ring));
            assert_eq!(kind(&ring, CameraKind::Camera), Ok(EventKind::Other));
        }
        let silent = json!({ "is_doorbell_ring": false, "smart_detection_type": "person" });
        assert_eq!(kind(&silent, CameraKind::Doorbell), Ok(EventKind::Person));
    }

    #[test]
    fn a_wrong_type_is_said() {
        let camera = CameraKind::Camera;
        assert_eq!(kind(&json!({ "smart_detection_type": 7 }), camera), Err(Reject::Type));
        assert_eq!(kind(&json!({ "is_doorbell_ring": "perhaps" }), camera), Err(Reject::Ring));
        assert_eq!(kind(&json!({ "is_doorbell_ring": 1 }), camera), Err(Reject::Ring));
    }
}
