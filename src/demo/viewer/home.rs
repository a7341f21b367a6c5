//! From messages to what they mean to Home Assistant. Pure.
//!
//! As in Home Assistant, the discovery messages say which topics matter. Invariant: a line is said once per change, and
//! never from half of it: a status and an availability that contradict one another wait for the other half.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::demo::screen::Tone;

/// The devices by the topics of their discovery messages.
#[derive(Debug, Default)]
pub(super) struct Home(BTreeMap<String, Device>);

/// A line to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct News {
    pub(super) name: String,
    pub(super) event: String,
    pub(super) tone: Tone,
    pub(super) details: String,
}

#[derive(Debug)]
struct Device {
    config: Config,
    status: Option<Status>,
    available: Option<bool>,
    said: Option<(String, bool)>,
}

/// What we read of a discovery message.
#[derive(Debug, PartialEq, Deserialize)]
struct Config {
    device: About,
    availability: Vec<Topic>,
    components: BTreeMap<String, Component>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct About {
    name: String,
    suggested_area: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Topic {
    topic: String,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Component {
    state_topic: Option<String>,
}

/// What we read of a camera's status.
#[derive(Debug, Deserialize)]
struct Status {
    status: String,
    reason: Option<String>,
    codec: Option<String>,
    resolution: Option<String>,
    latency_ms: Option<u64>,
}

/// What we read of a detection.
#[derive(Debug, Deserialize)]
struct Detection {
    event_type: String,
    description: Option<String>,
}

impl Detection {
    fn details(self) -> String {
        match self.description {
            Some(description) => format!("{}: {description}", self.event_type),
            None => self.event_type,
        }
    }
}

impl Home {
    /// Takes note of a message.
    pub(super) fn hear(&mut self, topic: &str, payload: &[u8]) -> Option<News> {
        if topic.ends_with("/config") {
            return self.configure(topic, payload);
        }
        self.0.values_mut().find_map(|device| device.hear(topic, payload))
    }

    /// Whether somebody has said last that all devices are in place.
    pub(super) fn is_furnished(&self) -> bool {
        let is_bridge = |device: &Device| device.config.status_topic().is_none();
        self.0.values().any(|device| is_bridge(device) && device.available == Some(true))
    }

    fn configure(&mut self, topic: &str, payload: &[u8]) -> Option<News> {
        if payload.is_empty() {
            let gone = self.0.remove(topic)?;
            return Some(gone.news("removed", Tone::Bad, String::new()));
        }
        let config: Config = serde_json::from_slice(payload).ok()?;
        if self.0.get(topic).is_some_and(|device| device.config == config) {
            return None;
        }
        let device = Device { config, status: None, available: None, said: None };
        let news = device.news("announced", Tone::News, device.config.summary());
        self.0.insert(topic.to_owned(), device);
        Some(news)
    }
}

impl Config {
    fn summary(&self) -> String {
        let entities = format!("device with {} entities", self.components.len());
        match &self.device.suggested_area {
            Some(area) => format!("{entities}, area {area}"),
            None => entities,
        }
    }

    /// The last one is the device's own, the ones before it are those of what it depends on.
    fn availability_topic(&self) -> Option<&str> {
        self.availability.last().map(|topic| topic.topic.as_str())
    }

    fn detection_topic(&self) -> Option<&str> {
        self.components.get("detection")?.state_topic.as_deref()
    }

    fn status_topic(&self) -> Option<&str> {
        self.components.get("status")?.state_topic.as_deref()
    }
}

impl Status {
    fn details(&self) -> String {
        match (&self.reason, &self.codec, &self.resolution, self.latency_ms) {
            (Some(reason), ..) => format!("reason: {reason}"),
            (None, Some(codec), Some(resolution), Some(latency)) => {
                format!("{codec} {resolution} in {latency} ms")
            }
            _ => "no details".to_owned(),
        }
    }
}

impl Device {
    fn hear(&mut self, topic: &str, payload: &[u8]) -> Option<News> {
        if self.config.availability_topic() == Some(topic) {
            self.available = Some(payload == b"online");
        } else if self.config.status_topic() == Some(topic) {
            self.status = serde_json::from_slice(payload).ok();
        } else if self.config.detection_topic() == Some(topic) {
            return self.event_news(payload);
        } else {
            return None;
        }
        match self.config.status_topic() {
            Some(_) => self.camera_news(),
            None => self.bridge_news(),
        }
    }

    fn bridge_news(&mut self) -> Option<News> {
        let available = self.available?;
        self.is_new(if available { "online" } else { "offline" }, available)?;
        Some(match available {
            true => self.news("online", Tone::Good, "said last: all devices are in place".to_owned()),
            false => self.news("offline", Tone::Bad, "all entities are unavailable".to_owned()),
        })
    }

    fn camera_news(&mut self) -> Option<News> {
        let (status, available) = (self.status.as_ref()?, self.available?);
        let online = status.status == "online";
        if online != available || status.status == "unknown" {
            return None;
        }
        let (word, details) = (status.status.clone(), status.details());
        self.is_new(&word, available)?;
        let entities = if available { "available" } else { "unavailable" };
        let tone = if online { Tone::Good } else { Tone::Bad };
        Some(self.news(&word, tone, format!("{details}; entities {entities}")))
    }

    fn event_news(&self, payload: &[u8]) -> Option<News> {
        let event: Detection = serde_json::from_slice(payload).ok()?;
        Some(self.news("event", Tone::News, event.details()))
    }

    fn is_new(&mut self, status: &str, available: bool) -> Option<()> {
        let said = Some((status.to_owned(), available));
        (self.said != said).then(|| self.said = said)
    }

    fn news(&self, event: &str, tone: Tone, details: String) -> News {
        News { name: self.config.device.name.clone(), event: event.to_owned(), tone, details }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "homeassistant/device/herald-garden/config";
    const PAYLOAD: &[u8] = br#"{
        "device": { "name": "Garden" },
        "availability": [{ "topic": "h/status" }, { "topic": "h/garden/availability" }],
        "components": { "status": { "state_topic": "h/garden/status" }, "activity": {} }
    }"#;

    fn said(home: &mut Home, topic: &str, payload: &[u8]) -> Option<String> {
        home.hear(topic, payload).map(|news| format!("{} {}: {}", news.name, news.event, news.details))
    }

    #[test]
    fn a_device_is_announced_once_and_again_when_it_changes() {
        let mut home = Home::default();
        assert_eq!(said(&mut home, CONFIG, PAYLOAD).unwrap(), "Garden announced: device with 2 entities");
        assert_eq!(said(&mut home, CONFIG, PAYLOAD), None);
        let renamed = String::from_utf8_lossy(PAYLOAD).replace("Garden", "Yard");
        assert_eq!(said(&mut home, CONFIG, renamed.as_bytes()).unwrap(), "Yard announced: device with 2 entities");
        assert_eq!(said(&mut home, CONFIG, b"").unwrap(), "Yard removed: ");
    }

    #[test]
    fn a_camera_changes_when_status_and_availability_agree() {
        let mut home = Home::default();
        home.hear(CONFIG, PAYLOAD);
        let steps: [(&str, &[u8], Option<&str>); 6] = [
            ("status", br#"{"status": "unknown"}"#, None),
            ("availability", b"offline", None),
            ("status", br#"{"status": "online", "codec": "jpeg", "resolution": "6x4", "latency_ms": 2}"#, None),
            ("availability", b"online", Some("Garden online: jpeg 6x4 in 2 ms; entities available")),
            ("status", br#"{"status": "offline", "reason": "refused"}"#, None),
            ("availability", b"offline", Some("Garden offline: reason: refused; entities unavailable")),
        ];
        for (leaf, payload, expected) in steps {
            assert_eq!(said(&mut home, &format!("h/garden/{leaf}"), payload).as_deref(), expected, "{leaf}");
        }
    }
}
