//! The options under `cameras`.

use std::time::Duration;

use figment::value::{Dict, Value};
use url::Url;

use super::address;
use super::faults::Findings;
use super::login::{self, UrlLogin};
use super::reader::Group;
use super::slug::slug;
use crate::camera::{Camera, CameraId, CameraKind, Host};

/// The longest text that Home Assistant is asked to show as a name.
const MAX_TEXT: usize = 80;

/// Reads the list of cameras; those with faults are left out.
pub(super) fn cameras(top: &Group<'_>, findings: &mut Findings<'_>) -> Vec<Camera> {
    let entries = match top.value("cameras") {
        None => return Vec::new(),
        Some(Value::Array(_, entries)) => entries,
        Some(_) => {
            top.fault("cameras", "must be a list of cameras", findings);
            return Vec::new();
        }
    };
    let mut taken: Vec<(CameraId, String)> = Vec::new();
    let mut cameras = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("cameras[{index}]");
        let Value::Dict(_, values) = entry else {
            findings.fault(path, "must be a camera with at least a name", Some(entry.tag()));
            continue;
        };
        findings.camera = name_of(values);
        if let Some(camera) = camera(&path, values, findings) {
            let label = format!("{path} ({:?})", camera.name);
            match taken.iter().find(|(id, _)| *id == camera.id) {
                Some((id, other)) => {
                    let problem = format!(
                        "\"{id}\" is already the id of {other}; give one of the two another id (without an id, it is \
                         made of the name)"
                    );
                    findings.fault(format!("{path}.id"), problem, Some(entry.tag()));
                }
                None => taken.push((camera.id.clone(), label)),
            }
            cameras.push(camera);
        }
        findings.camera = None;
    }
    cameras
}

fn name_of(values: &Dict) -> Option<String> {
    let name = values.get("name")?.as_str()?.trim();
    (!name.is_empty()).then(|| name.chars().take(MAX_TEXT).collect())
}

fn camera(path: &str, values: &Dict, findings: &mut Findings<'_>) -> Option<Camera> {
    let group = Group::new(format!("{path}."), "cameras[].", values, findings);
    let name = group.short_text("name", MAX_TEXT, findings);
    if group.value("name").is_none() {
        group.fault("name", "is required: what Home Assistant calls the camera", findings);
    }
    let id = id(&group, name.as_deref(), findings);
    let mut inside = Vec::new();
    let stream = url(&group, "stream", &["rtsp", "rtsps"], &mut inside, findings);
    let snapshot = url(&group, "snapshot", &["http", "https"], &mut inside, findings);
    let credentials = login::credentials(&group, inside, findings);
    let host = group
        .text("host", findings)
        .and_then(|text| Host::parse(&text).map_err(|problem| group.fault("host", problem, findings)).ok());
    let channel = group.number("channel", findings).unwrap_or(1);
    let own_events = group.choice("events", findings) == "auto";
    let kind = match group.choice("kind", findings) {
        "doorbell" => CameraKind::Doorbell,
        _ => CameraKind::Camera,
    };
    let [area, manufacturer, model] =
        ["area", "manufacturer", "model"].map(|name| group.short_text(name, MAX_TEXT, findings));
    let check_every = Duration::from_secs(group.number("check_seconds", findings).unwrap_or_default().into());
    let enabled = group.flag("enabled", findings).unwrap_or(true);
    let (id, name) = (id?, name?);
    Some(Camera {
        id,
        name,
        stream,
        snapshot,
        host,
        channel,
        own_events,
        credentials,
        kind,
        area,
        manufacturer,
        model,
        check_every,
        enabled,
    })
}

fn id(group: &Group<'_>, name: Option<&str>, findings: &mut Findings<'_>) -> Option<CameraId> {
    if let Some(text) = group.text("id", findings) {
        return CameraId::new(&text).map_err(|error| group.fault("id", error.to_string(), findings)).ok();
    }
    // The fault about a missing name, or an id that is not text, is noted already.
    let name = name.filter(|_| group.value("id").is_none())?;
    let made = slug(name);
    if made.is_empty() {
        let problem = "cannot be made of the name, which has no letter or digit of a-z and 0-9; set an id";
        group.fault("id", problem, findings);
        return None;
    }
    CameraId::new(&made).map_err(|error| group.fault("id", format!("made of the name: {error}"), findings)).ok()
}

fn url(
    group: &Group<'_>,
    key: &'static str,
    schemes: &[&str],
    inside: &mut Vec<(&'static str, UrlLogin)>,
    findings: &mut Findings<'_>,
) -> Option<Url> {
    let text = group.text(key, findings)?;
    let allowed = schemes.join(":// or ");
    if address::holds_a_raw_password(&text) {
        let problem = "holds a user name and a password with characters that end an address there (/ ? # or \\); put user name and \
                       password into their own keys, as they are";
        group.fault(key, problem, findings);
        return None;
    }
    let Ok(mut url) = Url::parse(&text) else {
        let problem = format!(
            "is not a URL; write {allowed}://, a host and a path, and put user name and password into their own keys"
        );
        group.fault(key, problem, findings);
        return None;
    };
    if !schemes.contains(&url.scheme()) {
        group.fault(key, format!("must start with {allowed}://"), findings);
        return None;
    }
    if url.host_str().is_none_or(str::is_empty) || url.port() == Some(0) {
        group.fault(key, format!("must name a host: {}://host/path", schemes[0]), findings);
        return None;
    }
    inside.extend(login::take(&mut url).map(|login| (key, login)));
    Some(url)
}
