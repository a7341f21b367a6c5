//! What must be on the broker when all is well, and what is wrong with what is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::expected;

/// What must be true of one enabled camera.
#[derive(Debug, Clone)]
pub(crate) struct CameraTruth {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The statuses that are right.
    pub(crate) statuses: &'static [&'static str],
    /// The last event that was accepted, if it is known which one that is.
    pub(crate) last_event: Option<String>,
    /// Whether it ever had an event: only then may its topic hold one.
    pub(crate) had_events: bool,
}

/// Everything that differs from the truth, each in a sentence; empty when all is well.
pub(crate) fn faults(retained: &BTreeMap<String, Vec<u8>>, cameras: &[CameraTruth]) -> Vec<String> {
    let mut faults = Vec::new();
    let ids: Vec<String> = cameras.iter().map(|camera| camera.id.clone()).collect();
    let wanted = expected::topics("camera_herald", &ids);
    let event_topic = |id: &str| format!("camera_herald/camera/{id}/event");
    let allowed: BTreeSet<String> =
        cameras.iter().filter(|camera| camera.had_events).map(|camera| event_topic(&camera.id)).collect();
    faults.extend(
        wanted.iter().filter(|topic| !retained.contains_key(*topic)).map(|topic| format!("{topic} is missing")),
    );
    let ghosts = retained.keys().filter(|topic| !wanted.contains(*topic) && !allowed.contains(*topic));
    faults.extend(ghosts.map(|topic| format!("{topic} is a ghost")));
    if retained.get("camera_herald/status").is_none_or(|status| status != b"online") {
        faults.push("we are not online".to_owned());
    }
    if json(retained, "camera_herald/bridge/state")["outbox_depth"] != 0 {
        faults.push("events still wait".to_owned());
    }
    for camera in cameras {
        faults.extend(camera_faults(retained, camera, &event_topic(&camera.id)));
    }
    faults
}

fn camera_faults(retained: &BTreeMap<String, Vec<u8>>, camera: &CameraTruth, event_topic: &str) -> Vec<String> {
    let CameraTruth { id, name, statuses, last_event, .. } = camera;
    let mut faults = Vec::new();
    let status = json(retained, &format!("camera_herald/camera/{id}/status"));
    let told = status["status"].as_str().unwrap_or("nothing");
    if !statuses.contains(&told) {
        faults.push(format!("{id} is said to be {told}, but it is {statuses:?}"));
    }
    let availability = retained.get(&format!("camera_herald/camera/{id}/availability"));
    let available = if matches!(told, "online" | "unknown") { "online" } else { "offline" };
    if availability.is_none_or(|payload| payload != available.as_bytes()) {
        faults.push(format!("{id} is {told}, but its availability is not {available}"));
    }
    if status["camera_name"] != name.as_str() {
        faults.push(format!("{id} is called {}, but its name is {name}", status["camera_name"]));
    }
    let config = json(retained, &format!("homeassistant/device/camera_herald-{id}/config"));
    if !config.to_string().contains(&format!("\"{name}\"")) {
        faults.push(format!("{id} is announced under another name than {name}"));
    }
    if let Some(last) = last_event
        && json(retained, event_topic)["event_id"] != last.as_str()
    {
        faults.push(format!("the last event of {id} is not {last}"));
    }
    faults
}

fn json(retained: &BTreeMap<String, Vec<u8>>, topic: &str) -> Value {
    retained.get(topic).and_then(|payload| serde_json::from_slice(payload).ok()).unwrap_or_default()
}
