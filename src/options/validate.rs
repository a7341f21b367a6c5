//! From the merged layers to [`Options`]. A fault never stops the reading: the user gets the whole list at once.

use std::time::Duration;

use figment::value::Dict;

use super::faults::Findings;
use super::reader::Group;
use super::{EventOptions, LogLevel, Options, TopicOptions, broker, cameras};

/// The longest topic or part of a topic that can be set, in characters.
const MAX_TOPIC: usize = 100;

/// Reads everything. The result is of use only when no fault was found.
pub(super) fn options(values: &Dict, findings: &mut Findings<'_>) -> Options {
    let top = Group::new(String::new(), "", values, findings);
    let cameras = cameras::cameras(&top, findings);
    let values = top.below("mqtt", findings);
    let mqtt = broker::mqtt(&Group::new("mqtt.".to_owned(), "mqtt.", &values, findings), findings);
    let values = top.below("topics", findings);
    let topics = topics(&Group::new("topics.".to_owned(), "topics.", &values, findings), findings);
    let values = top.below("events", findings);
    let events = events(&Group::new("events.".to_owned(), "events.", &values, findings), findings);
    let log_level = match top.choice("log_level", findings) {
        "error" => LogLevel::Error,
        "warn" => LogLevel::Warn,
        "debug" => LogLevel::Debug,
        "trace" => LogLevel::Trace,
        _ => LogLevel::Info,
    };
    Options { cameras, mqtt, topics, events, log_level }
}

/// First levels that belong to other programs by their defaults. Some have a `bridge/state` or a `status` like ours.
const OF_OTHERS: &[&str] = &[
    "homeassistant",
    "zigbee2mqtt",
    "zwave",
    "zwavejs2mqtt",
    "frigate",
    "tasmota",
    "stat",
    "cmnd",
    "tele",
    "esphome",
    "shellies",
    "homie",
    "ring",
    "rtl_433",
    "teslamate",
    "valetudo",
    "owntracks",
    "blueiris",
    "espresense",
    "gv2mqtt",
    "scrypted",
    "go2rtc",
    "agentdvr",
    "motioneye",
    "wled",
    "openwb",
    "ems-esp",
    "octoprint",
];

fn topics(group: &Group<'_>, findings: &mut Findings<'_>) -> TopicOptions {
    let [base, discovery_prefix, birth] =
        ["base", "discovery_prefix", "birth"].map(|name| topic(group, name, findings));
    // Our own `online` would be taken for Home Assistant's, and answered with announcements for ever.
    let ours = birth
        .strip_prefix(&format!("{base}/"))
        .is_some_and(|rest| rest == "status" || rest.starts_with("bridge/") || rest.starts_with("camera/"));
    if ours {
        let problem = "is one of the topics that Camera Herald itself writes under topics.base; choose another base";
        group.fault("birth", problem, findings);
    }
    let first = base.split('/').next().unwrap_or_default();
    if OF_OTHERS.contains(&first) || first == discovery_prefix.split('/').next().unwrap_or_default() {
        let problem = "is where another program has its topics, and both would write over each other's; choose another base, \
                       such as camera_herald";
        group.fault("base", problem, findings);
    }
    TopicOptions { base, discovery_prefix, birth }
}

fn topic(group: &Group<'_>, name: &str, findings: &mut Findings<'_>) -> String {
    let topic = group.text(name, findings).unwrap_or_default();
    let problem = if topic.contains(['+', '#']) {
        "must not contain the wildcards + and #"
    } else if topic.starts_with('/') || topic.ends_with('/') {
        "must not start or end with /"
    } else if topic.contains("//") {
        "must not have an empty level (//)"
    } else if topic.starts_with('$') {
        "must not start with $, which is reserved for the broker"
    } else if topic.chars().count() > MAX_TOPIC {
        "must not be longer than 100 characters"
    } else {
        return topic;
    };
    group.fault(name, problem, findings);
    topic
}

fn events(group: &Group<'_>, findings: &mut Findings<'_>) -> EventOptions {
    let [activity, keep_days, stale_after] = ["activity_seconds", "keep_days", "stale_after_seconds"]
        .map(|name| group.number(name, findings).unwrap_or_default());
    EventOptions {
        activity: Duration::from_secs(activity.into()),
        keep_days,
        stale_after: Duration::from_secs(stale_after.into()),
    }
}
