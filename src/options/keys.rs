//! The table of all options: every key, what it may hold and what it is when it is not set.
//!
//! The validator reads options only through this table, and the packaging tests compare `config.yaml` with it. Between
//! them nothing can drift.

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Where it is: `log_level`, `mqtt.host`, `cameras[].name`.
    pub path: &'static str,
    /// What it may hold.
    pub kind: Kind,
}

/// What an option may hold, and its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text that has to be there.
    Required,
    /// Text.
    Text(Option<&'static str>),
    /// Text that is never shown, and never trimmed.
    Secret,
    /// Yes or no.
    Flag(Option<bool>),
    /// A whole number.
    Number {
        /// The smallest allowed.
        min: u32,
        /// The largest allowed.
        max: u32,
        /// When it is not set.
        default: Option<u32>,
    },
    /// One of some words.
    Choice {
        /// The words.
        words: &'static [&'static str],
        /// When it is not set.
        default: &'static str,
    },
}

const fn key(path: &'static str, kind: Kind) -> Key {
    Key { path, kind }
}

const fn number(path: &'static str, min: u32, max: u32, default: Option<u32>) -> Key {
    Key { path, kind: Kind::Number { min, max, default } }
}

const fn choice(path: &'static str, words: &'static [&'static str], default: &'static str) -> Key {
    Key { path, kind: Kind::Choice { words, default } }
}

/// Every option, in the order in which they are documented.
pub const KEYS: &[Key] = &[
    key("cameras[].name", Kind::Required),
    key("cameras[].id", Kind::Text(None)),
    key("cameras[].stream", Kind::Text(None)),
    key("cameras[].snapshot", Kind::Text(None)),
    key("cameras[].host", Kind::Text(None)),
    number("cameras[].channel", 1, 256, Some(1)),
    choice("cameras[].events", &["auto", "off"], "auto"),
    key("cameras[].username", Kind::Text(None)),
    key("cameras[].password", Kind::Secret),
    choice("cameras[].kind", &["camera", "doorbell"], "camera"),
    key("cameras[].area", Kind::Text(None)),
    key("cameras[].manufacturer", Kind::Text(None)),
    key("cameras[].model", Kind::Text(None)),
    number("cameras[].check_seconds", 5, 3600, Some(30)),
    key("cameras[].enabled", Kind::Flag(Some(true))),
    key("mqtt.host", Kind::Text(None)),
    // 1883, or 8883 with TLS: the default depends on another key.
    number("mqtt.port", 1, 65_535, None),
    key("mqtt.username", Kind::Text(None)),
    key("mqtt.password", Kind::Secret),
    // Off, unless the host is written as mqtts://….
    key("mqtt.tls", Kind::Flag(None)),
    key("mqtt.ca_file", Kind::Text(None)),
    choice("mqtt.protocol", &["auto", "5", "3.1.1"], "auto"),
    key("topics.base", Kind::Text(Some("camera_herald"))),
    key("topics.discovery_prefix", Kind::Text(Some("homeassistant"))),
    key("topics.birth", Kind::Text(Some("homeassistant/status"))),
    number("events.activity_seconds", 1, 86_400, Some(300)),
    number("events.keep_days", 1, 3650, Some(30)),
    number("events.stale_after_seconds", 1, 86_400, Some(120)),
    choice("log_level", &["error", "warn", "info", "debug", "trace"], "info"),
];

/// The key with this path. Asking for one that is not in the table is a mistake in this program.
pub(super) fn find(path: &str) -> &'static Key {
    KEYS.iter().find(|key| key.path == path).expect("only keys of the table are asked for")
}

/// The names directly below a prefix such as `mqtt.`, `cameras[].` or nothing, in the order of the table.
pub(super) fn names_below(prefix: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for rest in KEYS.iter().filter_map(|key| key.path.strip_prefix(prefix)) {
        let name = rest.split(['.', '[']).next().unwrap_or(rest);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_come_out_of_the_table() {
        assert_eq!(names_below(""), ["cameras", "mqtt", "topics", "events", "log_level"]);
        assert_eq!(names_below("topics."), ["base", "discovery_prefix", "birth"]);
        assert_eq!(names_below("cameras[].").len(), 15);
    }

    #[test]
    fn every_default_is_allowed() {
        for key in KEYS {
            match key.kind {
                Kind::Number { min, max, default: Some(default) } => assert!((min..=max).contains(&default), "{key:?}"),
                Kind::Choice { words, default } => assert!(words.contains(&default), "{key:?}"),
                _ => {}
            }
        }
    }
}
