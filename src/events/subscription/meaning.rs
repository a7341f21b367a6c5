//! What a camera's topics mean: a table of facts about makers and firmwares. Pure; data more than code.
//!
//! In: a message. Out: what was seen, and whether it lasts. Sources: the ONVIF Imaging, Analytics and Device IO Service
//! Specifications, and what cameras were seen to send.

use crate::camera::onvif::Notification;
use crate::events::door::EventKind;

/// What a message says of one kind of thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) kind: EventKind,
    /// It is so, or it is over.
    pub(super) there: bool,
    /// It happens in a moment and has no end.
    pub(super) point: bool,
    /// What kind of rule saw it, where that says more than the kind.
    pub(super) rule: Option<&'static str>,
}

/// What to do with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Somebody or something was seen, or is gone.
    Of(Vec<Seen>),
    /// About the device itself: no event.
    Ignored,
    /// Nothing that the table has.
    Unknown,
}

/// How the value is to be taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Begins and ends.
    State,
    /// Happens.
    Point,
    /// Names what is seen now, by class.
    Classes,
}

struct Row {
    /// Ends in `*` when only the beginning counts.
    topic: &'static str,
    /// The item that says it; empty: the only one, or the one that is called as usual.
    item: &'static str,
    kind: EventKind,
    how: How,
    rule: Option<&'static str>,
}

const fn state(topic: &'static str, item: &'static str, kind: EventKind) -> Row {
    Row { topic, item, kind, how: How::State, rule: None }
}

const fn rule(topic: &'static str, item: &'static str, how: How, rule: &'static str) -> Row {
    Row { topic, item, kind: EventKind::Motion, how, rule: Some(rule) }
}

use EventKind::{Animal, Motion, Package, Person, Ring, Sound, Vehicle};

const ROWS: &[Row] = &[
    state("VideoSource/MotionAlarm", "", Motion),
    state("RuleEngine/CellMotionDetector/Motion", "", Motion),
    state("RuleEngine/MotionRegionDetector/Motion", "", Motion),
    state("VideoAnalytics/Motion", "", Motion),
    state("VideoAnalytics/MotionAlarm", "", Motion),
    state("VideoAnalytics/MotionDetection", "", Motion),
    state("RuleEngine/VMD3/*", "", Motion),
    state("CameraApplicationPlatform/VMD/*", "", Motion),
    state("CameraApplicationPlatform/MotionGuard/*", "", Motion),
    state("CameraApplicationPlatform/FenceGuard/*", "", Motion),
    state("CameraApplicationPlatform/LoiteringGuard/*", "", Motion),
    Row {
        topic: "CameraApplicationPlatform/ObjectAnalytics/*",
        item: "classTypes",
        kind: Motion,
        how: How::Classes,
        rule: None,
    },
    state("Device/Sensor/PIR", "", Motion),
    state("RuleEngine/MotionDetector/Detection", "Detected", Motion),
    rule("RuleEngine/FieldDetector/ObjectsInside", "", How::State, "intrusion"),
    rule("RuleEngine/FieldDetector/*", "", How::Point, "intrusion"),
    rule("RuleEngine/AreaDetection/AreaDetected", "", How::State, "intrusion"),
    rule("RuleEngine/CellMotionDetector/Intrusion", "", How::State, "intrusion"),
    rule("RuleEngine/LineDetector/Crossed", "", How::Point, "line_crossing"),
    rule("RuleEngine/LineDetector/Crossing", "", How::Point, "line_crossing"),
    rule("RuleEngine/LineCrossDetector/LineCross", "", How::Point, "line_crossing"),
    rule("RuleEngine/CellMotionDetector/LineCross", "", How::Point, "line_crossing"),
    state("RuleEngine/MyRuleDetector/PeopleDetect", "", Person),
    state("RuleEngine/MyRuleDetector/FaceDetect", "", Person),
    state("RuleEngine/FaceDetector/FaceDetected", "", Person),
    state("RuleEngine/PeopleDetector/People", "", Person),
    state("RuleEngine/CellMotionDetector/People", "", Person),
    state("UserAlarm/IVA/HumanShapeDetect", "", Person),
    state("VideoAnalytics/PersonDetection/Person", "", Person),
    state("RuleEngine/SmartMotionHumanDetection/HumanDetection", "", Person),
    state("RuleEngine/HumanDetection/HumanDetected", "", Person),
    state("RuleEngine/MyRuleDetector/VehicleDetect", "", Vehicle),
    state("RuleEngine/Analytics/VehicleDetection", "", Vehicle),
    state("RuleEngine/VehicleDetector/Vehicle", "", Vehicle),
    state("VideoAnalytics/VehicleDetection/Vehicle", "", Vehicle),
    state("RuleEngine/MyRuleDetector/DogCatDetect", "", Animal),
    state("RuleEngine/PetDetector/Pet", "", Animal),
    state("RuleEngine/MyRuleDetector/Package", "", Package),
    state("RuleEngine/PackageDetector/PackageDetected", "", Package),
    // One topic for everything, told apart by the items.
    state("RuleEngine/TPSmartEventDetector/TPSmartEvent", "IsPeople", Person),
    state("RuleEngine/TPSmartEventDetector/TPSmartEvent", "IsVehicle", Vehicle),
    state("RuleEngine/TPSmartEventDetector/TPSmartEvent", "IsPet", Animal),
    state("RuleEngine/TPSmartEventDetector/TPSmartEvent", "IsPackageDeliver", Package),
    state("RuleEngine/TPSmartEventDetector/TPSmartEvent", "IsPackagePickup", Package),
    state("RuleEngine/CellMotionDetector/TpSmartEvent", "IsPeople", Person),
    state("RuleEngine/CellMotionDetector/TpSmartEvent", "IsVehicle", Vehicle),
    state("RuleEngine/CellMotionDetector/TpSmartEvent", "IsPet", Animal),
    state("RuleEngine/CellMotionDetector/TpSmartEvent", "IsPackageDeliver", Package),
    state("RuleEngine/CellMotionDetector/TpSmartEvent", "IsPackagePickup", Package),
    Row { topic: "RuleEngine/ObjectDetection/Object", item: "ClassTypes", kind: Motion, how: How::Classes, rule: None },
    state("RuleEngine/MyRuleDetector/Visitor", "", Ring),
    state("VideoSource/Alarm", "CameraBellButton", Ring),
    state("VideoSource/Alarm", "Ring", Ring),
    state("AudioAnalytics/Audio/DetectedSound", "", Sound),
    state("AudioSource/TriggerLevel", "", Sound),
    state("RuleEngine/MyRuleDetector/BabyCryingDetect", "", Sound),
];

/// What a device says of itself.
const IGNORED: &[&str] = &[
    "MediaControl/*",
    "Media/*",
    "RecordingConfig/*",
    "RecordingHistory/*",
    "RuleEngine/VMD/xinternal_data",
    "PTZController/*",
    "Monitoring/*",
    "Device/HardwareFailure/*",
    "Device/Trigger/*",
    "Device/IO/*",
    "VideoSource/GlobalSceneChange/*",
    "VideoSource/ImageTooDark/*",
    "VideoSource/ImageTooBright/*",
    "VideoSource/ImageTooBlurry/*",
    "VideoSource/SignalLoss",
    "VideoSource/SignalStandardMismatch",
    "RuleEngine/TamperDetector/Tamper",
    "UserAlarm/VideoCover",
    "Configuration/*",
    "Advancedsecurity/*",
];

/// Detectors that are named by their class: `RuleEngine/ObjectDetector/Human`.
const BY_CLASS: &str = "RuleEngine/ObjectDetector/";

/// The usual names of the item that says whether it is so.
const USUAL: [&str; 5] = ["State", "active", "IsMotion", "LogicalState", "Value"];

/// What a message means.
pub(super) fn of(message: &Notification) -> Meaning {
    let rows = || ROWS.iter().filter(|row| covers(row.topic, &message.topic));
    if let Some(class) = message.topic.strip_prefix(BY_CLASS).and_then(of_class) {
        return Meaning::Of(vec![Seen { kind: class, there: truth(message, ""), point: false, rule: None }]);
    }
    if rows().next().is_none() {
        let ignored = IGNORED.iter().any(|topic| covers(topic, &message.topic));
        return if ignored { Meaning::Ignored } else { Meaning::Unknown };
    }
    let named: Vec<&Row> = rows().filter(|row| row.item.is_empty() || item(message, row.item).is_some()).collect();
    match named.first() {
        // Its item is not among the known ones: the camera says something that we do not understand.
        None => Meaning::Unknown,
        Some(row) if row.how == How::Classes => Meaning::Of(classes(message, row.item)),
        // Without an item of its own the first row is the nearest.
        Some(row) if row.item.is_empty() => Meaning::Of(vec![seen(message, row)]),
        Some(_) => Meaning::Of(named.into_iter().map(|row| seen(message, row)).collect()),
    }
}

fn seen(message: &Notification, row: &Row) -> Seen {
    let point = row.how == How::Point;
    // A point event says by coming that it happened, unless it says otherwise.
    let there = if point { !denies(message) } else { truth(message, row.item) };
    Seen { kind: row.kind, there, point, rule: row.rule }
}

/// All kinds that can be named, and which of them are.
fn classes(message: &Notification, name: &str) -> Vec<Seen> {
    let named = item(message, name).unwrap_or_default();
    let there: Vec<EventKind> =
        named.split([' ', ',', ';']).filter(|class| !class.is_empty()).filter_map(of_class).collect();
    // Where an own item says that it is over, it is, whatever class it was of.
    let over = item(message, "active").is_some_and(|value| !is_true(value));
    let kinds = [Person, Vehicle, Animal, Package];
    let seen = |kind| Seen { kind, there: !over && there.contains(&kind), point: false, rule: None };
    kinds.map(seen).to_vec()
}

fn of_class(class: &str) -> Option<EventKind> {
    Some(match class.to_ascii_lowercase().as_str() {
        "human" | "person" | "people" | "face" | "humanface" => Person,
        "vehicle" | "vehical" | "car" | "bus" | "truck" | "bicycle" | "motorcycle" | "bike" => Vehicle,
        "animal" | "pet" | "dog" | "cat" => Animal,
        "package" | "parcel" => Package,
        _ => return None,
    })
}

/// Whether the item says yes: by its name, else one of the usual names, else the only one.
fn truth(message: &Notification, name: &str) -> bool {
    let usual = || USUAL.iter().find_map(|usual| item(message, usual));
    let only = || message.data.first().filter(|_| message.data.len() == 1).map(|(_, value)| value.as_str());
    let beginning = || message.data.iter().find(|(name, _)| name.starts_with("Is")).map(|(_, value)| value.as_str());
    let value = if name.is_empty() { usual().or_else(only).or_else(beginning) } else { item(message, name) };
    value.is_some_and(is_true)
}

/// Whether an item of a point event says that nothing happened.
fn denies(message: &Notification) -> bool {
    let no = |value: &str| matches!(value.trim().to_ascii_lowercase().as_str(), "false" | "0" | "off" | "inactive");
    message.data.iter().any(|(name, value)| (USUAL.contains(&name.as_str()) || name.starts_with("Is")) && no(value))
}

/// As cameras write it.
fn is_true(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "1" | "on" | "yes" | "active" | "trigger")
}

fn item<'a>(message: &'a Notification, name: &str) -> Option<&'a str> {
    message.data.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn covers(pattern: &str, topic: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => topic.starts_with(beginning),
        None => topic == pattern,
    }
}

#[cfg(test)]
mod tests;
