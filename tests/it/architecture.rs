//! The rooms and who may name whom: data goes from left to right, `use` from right to left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may name. A new edge is a decision: draw it in ARCHITECTURE.md first.
const EDGES: &[(&str, &[&str])] = &[
    ("backoff", &[]),
    ("broker", &["backoff", "credentials", "dial", "kept_file", "options", "supervisor", "tls"]),
    ("camera", &["credentials", "dial", "picture", "store", "tls"]),
    ("chain", &["broker", "homeassistant", "supervisor"]),
    ("courier", &["broker", "camera", "events/outbox", "homeassistant", "mirror", "picture", "store"]),
    ("credentials", &[]),
    ("dial", &[]),
    ("events/door", &["camera", "http", "kept_file", "picture"]),
    ("events/outbox", &["camera", "events/door", "options", "store"]),
    ("events/subscription", &["backoff", "camera", "credentials", "events/door", "store"]),
    ("homeassistant", &["broker", "camera", "events/door", "events/outbox", "options"]),
    ("http", &[]),
    ("kept_file", &[]),
    ("logging", &["options"]),
    ("mirror", &["broker", "camera", "events/outbox", "homeassistant", "store"]),
    ("options", &["camera", "credentials"]),
    ("picture", &[]),
    ("process", &[]),
    ("store", &[]),
    ("supervisor", &["credentials", "options", "tls"]),
    ("tls", &[]),
    ("web/feeds", &["broker", "camera", "chain", "events/door", "events/outbox", "homeassistant", "mirror", "options"]),
    ("web/page", &["camera", "chain", "events/door", "events/outbox", "homeassistant", "web/feeds"]),
    ("web/port", &["broker", "camera", "chain", "credentials", "http", "options", "process", "web/feeds"]),
];

/// Rooms that join the others and may name all of them.
const WIRING: &[&str] = &["app", "cli", "commands", "demo", "lib", "main"];

/// Folders that hold rooms and are none themselves.
const HOUSES: &[&str] = &["events", "web"];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The room of a path: its first part, or the first two in a house.
fn room<'a>(mut parts: impl Iterator<Item = &'a str>) -> Option<String> {
    let first = parts.next()?;
    if !HOUSES.contains(&first) {
        return Some(first.to_owned());
    }
    parts.next().filter(|second| *second != "mod").map(|second| format!("{first}/{second}"))
}

/// Which room names which others, by `crate::…` outside of its tests.
fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let Some(room) = room(inside.trim_end_matches(".rs").split('/')) else { continue };
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let named = code.split("crate::").skip(1).filter_map(|rest| {
            let path: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "_:".contains(*c)).collect();
            self::room(path.split("::"))
        });
        let named: BTreeSet<_> = named.filter(|name| *name != room && !name.is_empty()).collect();
        edges.entry(room).or_default().extend(named);
    }
    edges
}

#[test]
fn a_room_names_only_what_feeds_it() {
    let mut strays = Vec::new();
    for (room, named) in edges() {
        if WIRING.contains(&room.as_str()) {
            continue;
        }
        let allowed = EDGES.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed);
        let allowed = allowed.unwrap_or_else(|| panic!("the room {room} is not in the table"));
        strays.extend(
            named.iter().filter(|name| !allowed.contains(&name.as_str())).map(|name| format!("{room} names {name}")),
        );
    }
    assert_eq!(strays, Vec::<String>::new());
}

#[test]
fn every_edge_of_the_table_is_used_and_none_leads_back() {
    let edges = edges();
    for (room, allowed) in EDGES {
        for name in *allowed {
            assert!(edges[*room].contains(*name), "{room} does not name {name} any more");
        }
    }
    let mut done: BTreeSet<&str> = BTreeSet::new();
    while done.len() < EDGES.len() {
        let next =
            EDGES.iter().find(|(room, allowed)| !done.contains(room) && allowed.iter().all(|name| done.contains(name)));
        let (room, _) = next.expect("the rooms that are left name one another in a circle");
        done.insert(room);
    }
}

/// Who may send to the broker: one writer for each topic, and the short-lived commands.
const SENDERS: &[&str] = &["broker", "commands", "courier", "mirror"];

#[test]
fn only_the_writers_of_topics_hold_a_lease() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let inside = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let code = fs::read_to_string(&file).unwrap();
        let code = code.split("#[cfg(test)]").next().unwrap();
        let holds = code.contains("Lease") || code.contains(".lease()");
        assert!(!holds || SENDERS.iter().any(|room| inside.starts_with(room)), "{inside} can send to the broker");
    }
}

#[test]
fn every_test_file_is_part_of_the_suite() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let list = fs::read_to_string(dir.join("main.rs")).unwrap();
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.is_file() && name != "main" {
            assert!(list.contains(&format!("mod {name};")), "{name}.rs is not in main.rs");
        }
    }
}
