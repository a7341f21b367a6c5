use super::*;
use crate::camera::onvif::Operation;

fn message(topic: &str, data: &[(&str, &str)]) -> Notification {
    let data = data.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Notification { topic: topic.to_owned(), operation: Operation::Changed, at: None, source: Vec::new(), data }
}

#[test]
fn what_cameras_send_is_understood() {
    for (topic, data, kind, there, point) in [
        ("RuleEngine/CellMotionDetector/Motion", &[("IsMotion", "true")][..], Motion, true, false),
        ("VideoSource/MotionAlarm", &[("State", "FALSE")], Motion, false, false),
        ("RuleEngine/MotionRegionDetector/Motion", &[("State", "1")], Motion, true, false),
        ("VideoAnalytics/Motion", &[("State", "Trigger")], Motion, true, false),
        ("VideoAnalytics/Motion", &[("State", "Normal")], Motion, false, false),
        ("CameraApplicationPlatform/VMD/Camera1Profile1", &[("active", "1")], Motion, true, false),
        ("RuleEngine/MyRuleDetector/PeopleDetect", &[("Level", "7"), ("State", "true")], Person, true, false),
        ("RuleEngine/CellMotionDetector/People", &[("IsPeople", "true")], Person, true, false),
        ("RuleEngine/TPSmartEventDetector/TPSmartEvent", &[("IsPet", "true")], Animal, true, false),
        ("RuleEngine/MyRuleDetector/Visitor", &[("State", "true")], Ring, true, false),
        ("VideoSource/Alarm", &[("CameraBellButton", "1")], Ring, true, false),
        ("RuleEngine/LineDetector/Crossed", &[("ObjectId", "0")], Motion, true, true),
        ("RuleEngine/CellMotionDetector/LineCross", &[("IsLineCross", "false")], Motion, false, true),
        ("RuleEngine/ObjectDetector/Vehicle", &[("State", "on")], Vehicle, true, false),
        ("AudioAnalytics/Audio/DetectedSound", &[("IsSoundDetected", "true")], Sound, true, false),
    ] {
        let Meaning::Of(seen) = of(&message(topic, data)) else { panic!("{topic} is not understood") };
        let first = seen[0];
        assert_eq!((seen.len(), first.kind, first.there, first.point), (1, kind, there, point), "{topic} {data:?}");
    }
}

#[test]
fn one_message_may_tell_of_several_kinds() {
    let object = |classes| of(&message("RuleEngine/ObjectDetection/Object", &[("ClassTypes", classes)]));
    let there = |meaning: Meaning| match meaning {
        Meaning::Of(seen) => seen.into_iter().filter(|seen| seen.there).map(|seen| seen.kind).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(there(object("Human Vehicle")), [Person, Vehicle]);
    assert_eq!(there(object("")), []);
    let smart =
        message("RuleEngine/TPSmartEventDetector/TPSmartEvent", &[("IsPeople", "true"), ("IsVehicle", "false")]);
    assert_eq!(there(of(&smart)), [Person]);
}

#[test]
fn a_device_that_speaks_of_itself_tells_no_event_and_the_rest_is_unknown() {
    assert_eq!(of(&message("Monitoring/ProcessorUsage", &[("Value", "80")])), Meaning::Ignored);
    assert_eq!(of(&message("RecordingConfig/JobState", &[])), Meaning::Ignored);
    assert_eq!(of(&message("RuleEngine/Spaceship/Landed", &[("State", "true")])), Meaning::Unknown);
    assert_eq!(of(&message("VideoSource/Alarm", &[("Other", "true")])), Meaning::Unknown);
}
