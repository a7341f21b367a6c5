//! Whether anything happened: cameras also say that they live, and that what they told is over. Pure.

use super::words::{Fact, joined};

/// Names of fields that say how an alarm stands.
const STATES: [&str; 13] = [
    "eventstate",
    "action",
    "state",
    "active",
    "alarmstate",
    "motion",
    "ismotion",
    "motiondetected",
    "trigger",
    "triggered",
    "eventdata",
    "eventaction",
    "detected",
];
/// What they say when it is over.
const OVER: [&str; 16] = [
    "inactive", "stop", "stopped", "end", "ended", "off", "false", "0", "clear", "cleared", "idle", "reset", "finish",
    "finished", "none", "no",
];
/// Names of fields that say what a message is about.
const ABOUT: [&str; 6] = ["eventtype", "type", "code", "event", "msgtype", "method"];
/// Messages that tell nothing but that somebody is there.
const ALIVE: [&str; 9] =
    ["heartbeat", "keepalive", "alive", "ping", "hello", "subscriptionheartbeat", "heart", "online", "statusreport"];
/// What Dahua tells in passing (`action=Pulse` or `State`), and that is seen by nobody.
const IN_PASSING: [&str; 2] = ["pulse", "state"];

/// Why a message is no event.
pub(super) fn nothing(facts: &[Fact], text: &str) -> Option<&'static str> {
    let says = |names: &[&str], values: &[&str]| {
        facts.iter().any(|fact| names.contains(&fact.name.as_str()) && values.contains(&fact.value.as_str()))
    };
    let has = |name: &str| facts.iter().any(|fact| fact.name == name);
    if says(&ABOUT, &ALIVE) || ALIVE.contains(&joined(text).as_str()) {
        return Some("a sign of life");
    }
    // Frigate tells of an object when it comes, again and again while it is there, and when it has gone.
    if has("before") && has("after") || has("frametime") {
        if says(&["type"], &["end"]) {
            return Some("the end of an alarm");
        }
        if says(&["type"], &["update"]) {
            return Some("a repetition of an alarm");
        }
    }
    // Of several events in one message one is enough.
    let states: Vec<&Fact> =
        facts.iter().filter(|fact| STATES.contains(&fact.name.as_str()) && !fact.value.is_empty()).collect();
    if !states.is_empty() && states.iter().all(|fact| OVER.contains(&fact.value.as_str())) {
        return Some("the end of an alarm");
    }
    let passes =
        says(&["action"], &IN_PASSING) && !facts.iter().any(|fact| fact.name == "code" && fact.kind().is_some());
    let says_info = facts.iter().any(|fact| fact.name == "code" && fact.value.ends_with("info"));
    (passes || says_info && says(&["action"], &["state"])).then_some("a message in passing")
}
