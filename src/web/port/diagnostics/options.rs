//! The options, without secrets. Pure.

use serde_json::{Value, json};
use url::Url;

use crate::camera::{Camera, CameraKind};
use crate::credentials::Credentials;
use crate::options::{Options, Protocol};

/// The options as they are in effect.
pub(super) fn without_secrets(options: &Options) -> Value {
    let broker = options.mqtt.broker.as_ref().map(|broker| {
        json!({
            "host": broker.host,
            "port": broker.port,
            "tls": broker.tls,
            "login": login(broker.credentials.as_ref()),
        })
    });
    json!({
        "cameras": options.cameras.iter().map(camera).collect::<Vec<_>>(),
        "mqtt": {
            "broker": broker,
            "protocol": protocol(options.mqtt.protocol),
            "ca_file": options.mqtt.ca_file,
        },
        "topics": {
            "base": options.topics.base,
            "discovery_prefix": options.topics.discovery_prefix,
            "birth": options.topics.birth,
        },
        "events": {
            "activity_seconds": options.events.activity.as_secs(),
            "keep_days": options.events.keep_days,
            "stale_after_seconds": options.events.stale_after.as_secs(),
        },
        "log_level": options.log_level.to_string(),
    })
}

fn camera(camera: &Camera) -> Value {
    json!({
        "id": camera.id,
        "name": camera.name,
        "stream": camera.stream.as_ref().map(bare),
        "snapshot": camera.snapshot.as_ref().map(bare),
        "host": camera.host.as_ref().map(ToString::to_string),
        "channel": camera.channel,
        "events": if camera.own_events { "auto" } else { "off" },
        "login": login(camera.credentials.as_ref()),
        "kind": match camera.kind {
            CameraKind::Camera => "camera",
            CameraKind::Doorbell => "doorbell",
        },
        "area": camera.area,
        "manufacturer": camera.manufacturer,
        "model": camera.model,
        "check_seconds": camera.check_every.as_secs(),
        "enabled": camera.enabled,
    })
}

/// Cameras take passwords in queries and paths, and for some the path is the key: how long the path is must be enough.
fn bare(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let segments = url.path().split('/').filter(|segment| !segment.is_empty()).count();
    let unit = if segments == 1 { "segment" } else { "segments" };
    format!("{}://{host}{port} (path of {segments} {unit})", url.scheme())
}

fn login(credentials: Option<&Credentials>) -> &'static str {
    if credentials.is_some() { "set" } else { "not set" }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Auto => "auto",
        Protocol::V5 => "5",
        Protocol::V311 => "3.1.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_what_helps_and_loses_what_may_be_secret() {
        for (url, expected) in [
            ("rtsp://10.0.0.5/h264", "rtsp://10.0.0.5 (path of 1 segment)"),
            ("rtsp://10.0.0.5:8554/cam/realmonitor?channel=1&pwd=secret", "rtsp://10.0.0.5:8554 (path of 2 segments)"),
            ("rtsps://10.0.0.5:7441/secret?enableSrtp", "rtsps://10.0.0.5:7441 (path of 1 segment)"),
            ("http://10.0.0.5//user/admin/secret/snap.jpg", "http://10.0.0.5 (path of 4 segments)"),
            ("http://u:secret@cam/#secret", "http://cam (path of 0 segments)"),
        ] {
            assert_eq!(bare(&Url::parse(url).unwrap()), expected);
        }
    }
}
