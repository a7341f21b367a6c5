//! The files that the Supervisor and the store read: they agree with one another, with the manual and with the program.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use camera_herald::options::{EventOptions, LogLevel, TopicOptions};
use serde_norway::Value;

/// Every option of the program, without the groups.
fn program_keys() -> BTreeSet<String> {
    camera_herald::options::KEYS.iter().map(|key| key.path.to_owned()).collect()
}

/// Keys of `config.yaml` and the value that each has when it is left out: written down they are linter errors.
const DEFAULTS: &[(&str, &str)] = &[
    ("apparmor", "true"),
    ("backup", "hot"),
    ("boot", "auto"),
    ("hassio_api", "false"),
    ("hassio_role", "default"),
    ("homeassistant_api", "false"),
    ("host_network", "false"),
    ("ingress", "false"),
    ("ingress_port", "8099"),
    ("ingress_stream", "false"),
    ("init", "true"),
    ("panel_admin", "true"),
    ("panel_icon", "mdi:puzzle"),
    ("stage", "stable"),
    ("startup", "application"),
    ("timeout", "10"),
    ("tmpfs", "false"),
];

/// Keys that cost a point of the security rating, or that the Supervisor's linter refuses.
const UNWANTED: &[&str] = &[
    "codenotary",
    "docker_api",
    "full_access",
    "host_ipc",
    "host_pid",
    "host_uts",
    "kernel_modules",
    "privileged",
    "squash",
    "watchdog",
    "webui",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn yaml(path: &str) -> Value {
    serde_norway::from_str(&text(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn keys(mapping: &Value) -> impl Iterator<Item = (&str, &Value)> {
    mapping.as_mapping().expect("a mapping").iter().map(|(key, value)| (key.as_str().expect("a text key"), value))
}

/// Every file of the repository, and what is not committed yet; in an unpacked archive, without git, every file at hand.
fn tracked_files() -> Vec<String> {
    let git = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let listed = match git {
        Ok(git) if git.status.success() => git,
        _ => Command::new("find")
            .args([".", "-type", "f", "-not", "-path", "./target/*", "-printf", "%P\n"])
            .current_dir(root())
            .output()
            .expect("git or find lists the files"),
    };
    let listed = String::from_utf8(listed.stdout).expect("paths are UTF-8");
    let files: Vec<_> = listed.lines().filter(|path| root().join(path).is_file()).map(str::to_owned).collect();
    assert!(files.iter().any(|file| file == "Cargo.toml"), "the list of files is not this repository's");
    files
}

/// The options of a schema as a flat list: `cameras[].name`, `mqtt.host`, `log_level`.
fn schema_keys(schema: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    for (key, value) in keys(schema) {
        let path = format!("{prefix}{key}");
        match value {
            Value::Mapping(_) => schema_keys(value, &format!("{path}."), found),
            Value::Sequence(items) if items[0].is_mapping() => schema_keys(&items[0], &format!("{path}[]."), found),
            _ => {}
        }
        found.insert(path);
    }
}

/// The options that a translation names; each needs a name, and here a description too.
fn translated_keys(entries: &Value, schema: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    for (key, entry) in keys(entries) {
        let path = format!("{prefix}{key}");
        for part in ["name", "description"] {
            let said = entry.get(part).and_then(Value::as_str).unwrap_or_default();
            assert!(!said.trim().is_empty(), "translations/en.yaml: {path} has no {part}");
        }
        if let Some(fields) = entry.get("fields") {
            let (schema, mark) = match &schema[key] {
                Value::Sequence(items) => (&items[0], "[]."),
                other => (other, "."),
            };
            translated_keys(fields, schema, &format!("{path}{mark}"), found);
        }
        found.insert(path);
    }
}

/// One type of the Supervisor's option schema: the names, and the bounds that work. (A length on `str` or `password` is
/// accepted in the file, but then no value is.)
fn is_schema_type(text: &str) -> bool {
    let text = text.strip_suffix('?').unwrap_or(text);
    let bound = |number: &str| number.is_empty() || number.parse::<i64>().is_ok();
    match text.split_once('(') {
        None => ["bool", "email", "float", "int", "password", "port", "str", "url"].contains(&text),
        Some((kind, rest)) => {
            let Some(inner) = rest.strip_suffix(')') else { return false };
            match kind {
                "int" => inner.split_once(',').is_some_and(|(low, high)| bound(low) && bound(high)),
                "list" => !inner.is_empty() && inner.split('|').all(|choice| !choice.is_empty()),
                "match" => inner.starts_with('^') && inner.ends_with('$'),
                _ => false,
            }
        }
    }
}

/// Where a schema breaks a rule of the Supervisor: an unknown type, or a group that its `options` do not provide.
fn schema_faults(schema: &Value, options: &Value, inside_list: bool, prefix: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (key, value) in keys(schema) {
        let path = format!("{prefix}{key}");
        match value {
            Value::String(kind) if !is_schema_type(kind) => faults.push(format!("{path}: unknown type {kind:?}")),
            Value::String(kind) => {
                let given = inside_list || kind.ends_with('?') || options.get(key).is_some();
                if !given {
                    faults.push(format!("{path}: needs a default in options, or an ending ?"));
                }
            }
            Value::Mapping(_) | Value::Sequence(_) if inside_list || options.get(key).is_none() => {
                faults.push(format!("{path}: a group cannot be left out and has no default in options"));
            }
            Value::Mapping(_) => faults.extend(schema_faults(value, &options[key], false, &format!("{path}."))),
            Value::Sequence(items) if items.len() == 1 && items[0].is_mapping() => {
                faults.extend(schema_faults(&items[0], &Value::Null, true, &format!("{path}[].")));
            }
            _ => faults.push(format!("{path}: neither a type, a group nor a list of one group")),
        }
    }
    faults
}

/// What the Supervisor takes as an image to build from: at least one `/`, and no digest. A bare name such as `scratch` is
/// refused with a warning and replaced by an image of its own choice.
fn is_build_from(image: &str) -> bool {
    let word = |text: &str, extra: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-' || extra.contains(c))
    };
    let (name, tag) = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (image, None),
    };
    let parts: Vec<_> = name.split('/').collect();
    parts.len() >= 2
        && parts[parts.len() - 2..].iter().all(|part| word(part, ""))
        && parts[..parts.len() - 2].iter().all(|part| word(part, ".:"))
        && tag.is_none_or(|tag| word(tag, "."))
}

/// The anchor that a heading of a manual gets.
fn anchor(heading: &str) -> String {
    heading
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_' || *c == ' ' || *c == '-')
        .collect::<String>()
        .replace(' ', "-")
        .to_lowercase()
}

/// The width and height that a PNG says it has.
fn png_size(path: &str) -> (u32, u32) {
    let bytes = std::fs::read(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n", "{path} is not a PNG");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}

fn apparmor_parser(profile: &str) -> Output {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("profile");
    std::fs::write(&file, profile).expect("the profile is written");
    // Debian keeps it in /usr/sbin, which is not on every user's path.
    let parser =
        if Path::new("/usr/sbin/apparmor_parser").exists() { "/usr/sbin/apparmor_parser" } else { "apparmor_parser" };
    Command::new(parser)
        .args(["-Q", "-K", "--skip-kernel-load"])
        .arg(&file)
        .output()
        .expect("apparmor_parser runs: Debian's package apparmor, which ./scripts/test installs")
}

#[test]
fn the_version_is_the_same_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    let config = yaml("config.yaml");
    assert_eq!(config["version"].as_str(), Some(version), "config.yaml, quoted");
    let changelog = text("CHANGELOG.md");
    let newest = changelog.lines().filter_map(|line| line.strip_prefix("## ")).find(|heading| *heading != "Unreleased");
    assert_eq!(newest, Some(version), "the newest version of CHANGELOG.md, without brackets");
}

#[test]
fn the_schema_and_the_program_know_the_same_options() {
    let mut schema = BTreeSet::new();
    schema_keys(&yaml("config.yaml")["schema"], "", &mut schema);
    let groups = ["cameras", "mqtt", "topics", "events"];
    schema.retain(|key| !groups.contains(&key.as_str()));
    assert_eq!(schema, program_keys());
}

#[test]
fn every_option_has_a_name_and_a_description_in_the_form() {
    let config = yaml("config.yaml");
    let (mut schema, mut translated) = (BTreeSet::new(), BTreeSet::new());
    schema_keys(&config["schema"], "", &mut schema);
    translated_keys(&yaml("translations/en.yaml")["configuration"], &config["schema"], "", &mut translated);
    assert_eq!(translated, schema);
}

#[test]
fn every_option_has_a_heading_in_the_manual() {
    let mut schema = BTreeSet::new();
    schema_keys(&yaml("config.yaml")["schema"], "", &mut schema);
    let docs = text("DOCS.md");
    let headings: BTreeSet<_> = docs
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().replace('`', ""))
        .collect();
    for key in schema {
        assert!(headings.contains(&key), "DOCS.md has no heading `{key}`");
    }
}

#[test]
fn every_link_inside_the_manual_leads_somewhere() {
    let docs = text("DOCS.md");
    let anchors: BTreeSet<_> = docs
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect();
    let links: Vec<_> = docs.split("](#").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(!links.is_empty());
    for link in links {
        assert!(anchors.contains(link), "DOCS.md links to #{link}, which no heading has");
    }
}

#[test]
fn the_defaults_in_the_form_are_those_of_the_program() {
    let options = &yaml("config.yaml")["options"];
    let (topics, events) = (TopicOptions::default(), EventOptions::default());
    assert_eq!(options["topics"]["base"].as_str(), Some(topics.base.as_str()));
    assert_eq!(options["topics"]["discovery_prefix"].as_str(), Some(topics.discovery_prefix.as_str()));
    assert_eq!(options["topics"]["birth"].as_str(), Some(topics.birth.as_str()));
    assert_eq!(options["events"]["activity_seconds"].as_u64(), Some(events.activity.as_secs()));
    assert_eq!(options["events"]["keep_days"].as_u64(), Some(events.keep_days.into()));
    assert_eq!(options["events"]["stale_after_seconds"].as_u64(), Some(events.stale_after.as_secs()));
    assert_eq!(options["log_level"].as_str(), Some(LogLevel::default().to_string().as_str()));
    assert_eq!(options["cameras"], Value::Sequence(Vec::new()), "no cameras");
    assert_eq!(options["mqtt"], Value::Mapping(serde_norway::Mapping::new()), "the Supervisor is asked");
}

#[test]
fn the_supervisor_can_read_the_schema() {
    let config = yaml("config.yaml");
    assert_eq!(schema_faults(&config["schema"], &config["options"], false, ""), Vec::<String>::new());
}

#[test]
fn a_schema_that_the_supervisor_cannot_read_is_found() {
    for kind in ["strx", "str(1,)", "int(5)", "int(a,b)", "list()", "list(a||b)", "match(x)", "match(^x$", "string?"] {
        assert!(!is_schema_type(kind), "{kind}");
    }
    for kind in
        ["str?", "int(5,)", "int(5,3600)?", "list(auto|5|3.1.1)?", "match(^[a-z]{0,64}$)?", "port?", "password?"]
    {
        assert!(is_schema_type(kind), "{kind}");
    }
    let schema: Value =
        serde_norway::from_str("{mqtt: {host: str?}, cameras: [{name: str, more: {x: str?}}], host: str}")
            .expect("YAML");
    let options: Value = serde_norway::from_str("{cameras: []}").expect("YAML");
    let faults = schema_faults(&schema, &options, false, "").join("\n");
    for path in ["mqtt:", "cameras[].more:", "host:"] {
        assert!(faults.contains(path), "{path} is not among the faults:\n{faults}");
    }
}

#[test]
fn config_yaml_says_only_what_is_not_the_default_and_asks_for_nothing_risky() {
    let config = yaml("config.yaml");
    for (key, default) in DEFAULTS {
        let said = config.get(key).map(|value| serde_norway::to_string(value).expect("YAML").trim().to_owned());
        assert_ne!(said.as_deref(), Some(*default), "{key} is set to its default");
    }
    for key in UNWANTED {
        assert!(config.get(key).is_none(), "{key} is set");
    }
    assert_eq!(config["slug"].as_str(), Some("camera_herald"));
    assert_eq!(config["name"].as_str(), Some("Camera Herald"));
    assert_eq!(config["ingress"].as_bool(), Some(true), "the page in the sidebar, and two points of the rating");
    let icon = config["panel_icon"].as_str().expect("an icon in the sidebar");
    assert!(icon.strip_prefix("mdi:").is_some_and(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
    assert_eq!(config["services"][0].as_str(), Some("mqtt:want"), "want: the app starts and waits without a broker");
    let arches: Vec<_> = config["arch"].as_sequence().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(arches, ["aarch64", "amd64"]);
}

#[test]
fn the_event_port_is_closed_until_the_user_opens_it_and_has_a_description() {
    let (config, translations) = (yaml("config.yaml"), yaml("translations/en.yaml"));
    let ports: Vec<_> = keys(&config["ports"]).collect();
    assert_eq!(ports, [("8098/tcp", &Value::Null)], "null: not published");
    assert!(config["ports_description"]["8098/tcp"].is_string());
    assert_eq!(config["ports_description"], translations["network"]);
}

#[test]
fn the_store_finds_one_app_one_build_file_and_one_repository() {
    for (kind, expected) in [("config", "config.yaml"), ("build", "build.yaml"), ("repository", "repository.yaml")] {
        let found: Vec<_> = tracked_files()
            .into_iter()
            .filter(|file| {
                let name = file.rsplit('/').next().expect("a name");
                ["yaml", "yml", "json"].iter().any(|ending| name == format!("{kind}.{ending}"))
            })
            .collect();
        assert_eq!(found, [expected], "the Supervisor takes every {kind}.yaml, .yml and .json of the tree for its own");
    }
}

#[test]
fn a_release_is_refused_when_its_tag_disagrees_with_the_files() {
    // The files as they are at a release: what is not released yet stands under a heading of its own until then.
    let tree = tempfile::tempdir().expect("a temporary directory");
    let version = env!("CARGO_PKG_VERSION");
    let put = |name: &str, text: &str| {
        let path = tree.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder"))
            .and_then(|()| std::fs::write(path, text))
            .expect("it is written");
    };
    put("Cargo.toml", &text("Cargo.toml"));
    put("config.yaml", &text("config.yaml"));
    put("scripts/release-version", &text("scripts/release-version"));
    let changes = text("CHANGELOG.md");
    let released =
        changes.find(&format!("## {version}\n")).map(|at| &changes[at..]).expect("the version has its changes");
    put("CHANGELOG.md", released);
    let script = tree.path().join("scripts/release-version");
    let release = |tag: &str| Command::new("bash").arg(&script).arg(tag).output().expect("bash runs");
    let right = release(&format!("v{version}"));
    assert!(right.status.success());
    assert_eq!(String::from_utf8_lossy(&right.stdout).trim(), version);
    for wrong in [version, "v99.0.0", "v"] {
        assert!(!release(wrong).status.success(), "{wrong}");
    }
    put("CHANGELOG.md", &format!("## Unreleased\n\n{released}"));
    assert!(!release(&format!("v{version}")).status.success(), "there are changes without a version");
}

#[test]
fn the_repository_has_a_name() {
    assert!(yaml("repository.yaml")["name"].is_string());
}

#[test]
fn build_yaml_repeats_the_image_that_the_dockerfile_builds_in() {
    let dockerfile = text("Dockerfile");
    let default =
        dockerfile.lines().find_map(|line| line.strip_prefix("ARG BUILD_FROM=")).expect("a default for BUILD_FROM");
    let build = yaml("build.yaml");
    let arches: Vec<_> = keys(&build["build_from"]).collect();
    assert_eq!(arches.iter().map(|(arch, _)| *arch).collect::<Vec<_>>(), ["aarch64", "amd64"]);
    for (arch, image) in arches {
        let image = image.as_str().expect("a name");
        assert_eq!(image, default, "{arch}");
        assert!(is_build_from(image), "the Supervisor refuses {image:?} and takes an image of its own choice");
    }
    assert_eq!(keys(&build).count(), 1, "build.yaml holds build_from and nothing else");
}

#[test]
fn a_build_image_that_the_supervisor_refuses_is_found() {
    for refused in ["scratch", "rust:1-slim-bookworm", "library/", "/rust", "a/b@sha256:0", "a/b:c d"] {
        assert!(!is_build_from(refused), "{refused}");
    }
    for taken in ["library/rust", "library/rust:1.95-slim", "host.example/owner/name:1.2"] {
        assert!(is_build_from(taken), "{taken}");
    }
}

#[test]
fn the_dockerfile_has_a_health_check_and_stays_root() {
    let dockerfile = text("Dockerfile");
    let instructions: Vec<_> = dockerfile.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let has = |start: &str| instructions.iter().any(|line| line.starts_with(start));
    assert!(has("HEALTHCHECK "));
    assert!(!has("USER "), "only root can read /data/options.json");
    assert!(
        dockerfile.contains(r#"CMD ["/usr/bin/camera-herald", "healthcheck"]"#),
        "exec form: the image has no shell"
    );
    assert!(!dockerfile.contains("syntax="), "a syntax line would be fetched before every build");
    assert!(dockerfile.contains("--locked"));
}

#[test]
fn the_build_context_holds_what_the_dockerfile_copies() {
    let ignore = text(".dockerignore");
    let allowed: Vec<_> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let dockerfile = text("Dockerfile");
    for line in
        dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--from"))
    {
        let mut sources: Vec<_> = line.split_whitespace().collect();
        sources.pop();
        for source in sources {
            assert!(allowed.contains(&source), "{source} is not in .dockerignore's list");
            assert!(root().join(source).exists(), "{source} is missing");
        }
    }
    assert!(ignore.lines().any(|line| line == "*"), "everything else stays out");
}

#[test]
fn the_apparmor_profile_has_one_name_and_compiles() {
    let profile = text("apparmor.txt");
    let named: Vec<_> = profile.lines().filter(|line| line.starts_with("profile ")).collect();
    assert_eq!(named.len(), 1, "the Supervisor takes exactly one");
    assert!(named[0].starts_with("profile camera_herald "), "{}", named[0]);
    assert!(!profile.lines().any(|line| line.trim() == "file,"), "file, allows everything");
    let installed = profile.replacen("profile camera_herald ", "profile 0123abcd_camera_herald ", 1);
    for (what, profile) in [("as it stands", &profile), ("renamed by the Supervisor", &installed)] {
        let parsed = apparmor_parser(profile);
        assert!(parsed.status.success(), "{what}: {}", String::from_utf8_lossy(&parsed.stderr));
    }
}

#[test]
fn an_apparmor_profile_that_does_not_compile_is_found() {
    let broken = text("apparmor.txt").replacen("network inet stream,", "network inet stream", 1);
    assert!(!apparmor_parser(&broken).status.success());
}

#[test]
fn the_pictures_have_the_sizes_that_the_store_shows() {
    assert_eq!(png_size("icon.png"), (128, 128));
    let (width, height) = png_size("logo.png");
    assert!((200..=300).contains(&width) && (80..=120).contains(&height), "logo.png is {width}x{height}");
}

#[test]
fn every_picture_of_the_readme_and_the_manual_is_there_and_small() {
    let mut pictures = 0;
    for page in ["README.md", "DOCS.md"] {
        let text = text(page);
        let named = text.split("](").chain(text.split("src=\"")).skip(1);
        for path in named.filter_map(|rest| rest.split([')', '"']).next()).filter(|path| path.ends_with(".png")) {
            let size =
                std::fs::metadata(root().join(path)).unwrap_or_else(|e| panic!("{page} shows {path}: {e}")).len();
            assert!(size < 300_000, "{path}: {size} bytes go to every user's disk");
            pictures += 1;
        }
    }
    assert!(pictures >= 4, "{pictures}");
    assert_eq!(text("src/web/page/assets/icon.svg"), text("docs/art/icon.svg"), "the page shows the app's icon");
}

#[test]
fn every_file_that_the_store_shows_is_there() {
    for file in ["README.md", "DOCS.md", "CHANGELOG.md", "icon.png", "logo.png", "translations/en.yaml", "LICENSE"] {
        assert!(root().join(file).is_file(), "{file}");
    }
    let lines = text("README.md").lines().count();
    assert!(lines <= 60, "README.md is the page in the store: {lines} lines are too many");
}

#[test]
fn the_tree_names_no_registry_and_no_place_of_a_developers_machine() {
    // In parts, so that this file does not hold them itself.
    let unwanted = [
        ["docker", ".io/"],
        ["ghcr", ".io"],
        ["quay", ".io"],
        ["gcr", ".io"],
        ["mcr.microsoft", ".com"],
        ["crates", ".io"],
        ["pypi", ".org"],
        ["pythonhosted", ".org"],
        ["npmjs", ".org"],
        ["npmjs", ".com"],
        ["deb.debian", ".org"],
        ["/wo", "rk/"],
        ["/tmp/", "wt/"],
        ["/ro", "ot/"],
    ]
    .map(|parts| parts.concat());
    let mut found = Vec::new();
    // Cargo itself writes where a crate comes from into its lock file.
    for file in tracked_files().into_iter().filter(|file| file != "Cargo.lock") {
        let Ok(content) = std::fs::read_to_string(root().join(&file)) else { continue };
        for (number, line) in content.lines().enumerate() {
            if let Some(word) = unwanted.iter().find(|word| line.contains(word.as_str())) {
                found.push(format!("{file}:{}: {word}", number + 1));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// The builder has no tests and no benches, so Cargo must not look for their files.
#[test]
fn the_manifest_is_complete_with_what_the_dockerfile_copies() {
    let context = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["Cargo.toml", "Cargo.lock"] {
        std::fs::copy(root.join(file), context.path().join(file)).unwrap();
    }
    std::os::unix::fs::symlink(root.join("src"), context.path().join("src")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--no-deps"])
        .current_dir(context.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
