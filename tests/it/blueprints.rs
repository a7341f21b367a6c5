//! The blueprints: Home Assistant can read them, and they use what they ask for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_norway::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("addon/blueprints/automation/camera_herald")
}

fn blueprints() -> Vec<(String, Value)> {
    let mut found: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Every `!input` below this value.
fn inputs(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Tagged(tagged) => {
            assert_eq!(tagged.tag.to_string(), "!input", "Home Assistant knows no other tag here");
            found.insert(tagged.value.as_str().expect("an input has a name").to_owned());
        }
        Value::Sequence(values) => values.iter().for_each(|value| inputs(value, found)),
        Value::Mapping(fields) => fields.iter().for_each(|(_, value)| inputs(value, found)),
        _ => {}
    }
}

#[test]
fn the_three_blueprints_are_there_under_names_that_the_store_leaves_alone() {
    let names: Vec<_> = blueprints().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["camera_not_online.yaml", "doorbell.yaml", "notify_with_picture.yaml"]);
}

#[test]
fn every_input_that_is_used_is_declared_and_every_declared_one_is_used() {
    for (name, blueprint) in blueprints() {
        let declared: BTreeSet<_> = blueprint["blueprint"]["input"]
            .as_mapping()
            .expect("inputs")
            .keys()
            .map(|key| key.as_str().expect("a name").to_owned())
            .collect();
        let mut used = BTreeSet::new();
        inputs(&blueprint, &mut used);
        assert_eq!(used, declared, "{name}");
    }
}

#[test]
fn each_has_what_home_assistant_asks_of_a_blueprint() {
    for (name, blueprint) in blueprints() {
        let head = &blueprint["blueprint"];
        for key in ["name", "description"] {
            assert!(head[key].as_str().is_some_and(|text| !text.is_empty()), "{name}: {key}");
        }
        assert_eq!(head["domain"].as_str(), Some("automation"), "{name}");
        assert_eq!(head["homeassistant"]["min_version"].as_str(), Some("2024.11.0"), "{name}");
        for (input, described) in head["input"].as_mapping().expect("inputs") {
            assert!(described["name"].is_string(), "{name}: {input:?}");
            assert_eq!(described["selector"].as_mapping().map(|kinds| kinds.len()), Some(1), "{name}: {input:?}");
        }
        for part in ["triggers", "actions"] {
            assert!(blueprint[part].as_sequence().is_some_and(|list| !list.is_empty()), "{name}: {part}");
        }
        assert!(blueprint["triggers"][0]["trigger"].is_string(), "{name}");
        let known = ["blueprint", "mode", "max", "max_exceeded", "variables", "triggers", "conditions", "actions"];
        for (key, _) in blueprint.as_mapping().expect("a mapping") {
            assert!(known.contains(&key.as_str().expect("text")), "{name}: {key:?}");
        }
    }
}
