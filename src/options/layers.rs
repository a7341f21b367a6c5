//! Puts the options file, the environment and the command line on top of one another, the later ones winning.
//!
//! figment merges, and remembers which layer a value came from. It neither parses the environment (a password `007` would
//! become a number) nor reads files (it would look in parent directories) nor checks types (it stops at the first error
//! and prints the value): those are done here and in [`super::validate`].

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Json, Toml};
use figment::value::{Dict, Map, Tag, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::environment::Environment;
use super::faults::Fault;

const FILE: &str = "the options file";

/// The merged layers and what was wrong with them.
pub(super) struct Layers {
    pub(super) figment: Figment,
    pub(super) faults: Vec<Fault>,
    /// The file that was read, or should have been.
    pub(super) file: Option<PathBuf>,
}

impl Layers {
    /// All options of all layers in one.
    pub(super) fn merged(&self) -> Dict {
        let profiles = self.figment.data().expect("our layers are built from texts that were parsed before");
        profiles.into_values().next().unwrap_or_default()
    }
}

/// Which layer a value came from, when it was not the file.
pub(super) fn origin(figment: &Figment, tag: Tag) -> Option<String> {
    let name = &figment.get_metadata(tag)?.name;
    (name != FILE).then(|| name.to_string())
}

/// Reads the layers.
pub(super) fn read(environment: &Environment, overrides: &[(String, String)]) -> Layers {
    let mut faults = Vec::new();
    let (file, in_file) = read_file(environment, &mut faults);
    let settings = nest(&environment.settings, "the environment", &mut faults);
    let overrides = nest(overrides, "the command line", &mut faults);
    let figment = Figment::new()
        .merge(Layer { name: FILE, values: in_file })
        .merge(Layer { name: "the environment", values: settings })
        .merge(Layer { name: "the command line", values: overrides });
    Layers { figment, faults, file }
}

struct Layer {
    name: &'static str,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

fn read_file(environment: &Environment, faults: &mut Vec<Fault>) -> (Option<PathBuf>, Dict) {
    let (path, named) = match &environment.options_file {
        Some(path) => (path.clone(), true),
        None => (environment.data_dir.join("options.json"), false),
    };
    let parsed = match std::fs::read(&path) {
        Ok(bytes) => parse_file(&path, bytes),
        Err(error) if error.kind() == ErrorKind::NotFound && !named => return (None, Dict::new()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err("this file, named by HERALD_OPTIONS, does not exist; correct the name or create the file".to_owned())
        }
        Err(error) => Err(format!("the options file cannot be read: {error}")),
    };
    let values = parsed.unwrap_or_else(|problem| {
        faults.push(Fault::new(path.display().to_string(), problem));
        Dict::new()
    });
    (Some(path), values)
}

fn parse_file(path: &Path, bytes: Vec<u8>) -> Result<Dict, String> {
    let text = String::from_utf8(bytes).map_err(|_| "must be UTF-8 text".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let is_toml = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
    let value = if is_toml { parse_toml(text) } else { parse_json(text) };
    value?.into_dict().ok_or_else(|| "must hold one JSON object: {\"cameras\": […], …}".to_owned())
}

fn parse_json(text: &str) -> Result<Value, String> {
    <Json as Format>::from_str(text).map_err(|error| {
        // Other categories are about values, and print them.
        let reason = if error.is_syntax() || error.is_eof() { error.to_string() } else { String::new() };
        let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
        format!("is not valid JSON: line {}, column {}: {reason}", error.line(), error.column())
    })
}

fn parse_toml(text: &str) -> Result<Value, String> {
    // The error's own Display quotes the line, and with it maybe a password.
    <Toml as Format>::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let reason = error.message().lines().collect::<Vec<_>>().join(", ");
        format!("is not valid TOML: line {line}, column {column}: {reason}")
    })
}

/// `mqtt.host` = text becomes `{mqtt: {host: text}}`. Values stay texts, except for the list of cameras.
fn nest(pairs: &[(String, String)], origin: &str, faults: &mut Vec<Fault>) -> Dict {
    let mut root = Dict::new();
    for (path, text) in pairs {
        let value = if path == "cameras" { parse_cameras(text) } else { Ok(Value::from(text.as_str())) };
        if let Err(problem) = value.and_then(|value| insert(&mut root, path, value)) {
            faults.push(Fault { origin: Some(origin.to_owned()), ..Fault::new(path, problem) });
        }
    }
    root
}

fn parse_cameras(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::from(""));
    }
    parse_json(text).map_err(|problem| format!("must be a JSON list such as [{{\"name\": \"Door\"}}]; it {problem}"))
}

fn insert(root: &mut Dict, path: &str, value: Value) -> Result<(), String> {
    let mut names: Vec<&str> = path.split('.').collect();
    if names.iter().any(|name| name.is_empty()) {
        return Err("is not the path of an option; write it like mqtt.host, or HERALD__MQTT__HOST".to_owned());
    }
    if path.starts_with("cameras.") || path.starts_with("cameras[") {
        return Err("cameras can only be set all together: cameras is a JSON list".to_owned());
    }
    let last = names.pop().unwrap_or_default();
    let mut group = root;
    for name in names {
        let below = group.entry(name.to_owned()).or_insert_with(|| Value::from(Dict::new()));
        let Value::Dict(_, below) = below else {
            return Err(format!("{name} is set as a whole and in parts; keep only one"));
        };
        group = below;
    }
    group.insert(last.to_owned(), value);
    Ok(())
}
