//! The options from end to end: files, environment and command line in, checked options or the list of faults out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use camera_herald::camera::CameraKind;
use camera_herald::options::{
    self, Environment, EventOptions, KEYS, Loaded, LogLevel, OptionsError, Protocol, TopicOptions,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The options file as given, nothing else.
fn load(file: &Value) -> Result<Loaded, OptionsError> {
    load_with(file, &[], &[])
}

fn load_with(file: &Value, variables: &[(&str, &str)], set: &[(&str, &str)]) -> Result<Loaded, OptionsError> {
    load_text("options.json", &file.to_string(), variables, set)
}

fn load_text(name: &str, text: &str, variables: &[(&str, &str)], set: &[(&str, &str)]) -> Result<Loaded, OptionsError> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    let environment = Environment::from_pairs(variables.iter().copied().chain([("HERALD_OPTIONS", path)]));
    let set: Vec<_> = set.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
    options::load(&environment, &set)
}

/// `path: problem` of every fault.
fn faults(file: &Value) -> Vec<(String, String)> {
    let error = load(file).expect_err("a fault");
    error.faults.into_iter().map(|fault| (fault.path, fault.problem)).collect()
}

/// The one fault that there is about an option, in a file that is right but for it.
fn fault(file: &Value) -> (String, String) {
    let mut faults = faults(file);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

fn warnings(file: &Value) -> Vec<String> {
    load(file).unwrap().warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_set_means_the_defaults() {
    for file in [
        json!({}),
        json!({"cameras": [], "mqtt": {}, "topics": {}, "events": {}}),
        json!({"cameras": null, "mqtt": null, "log_level": ""}),
        json!({"mqtt": {"host": "", "port": null, "username": "", "password": "", "tls": false, "protocol": ""},
               "topics": {"base": ""}, "events": {"keep_days": ""}}),
    ] {
        let Loaded { options, warnings, .. } = load(&file).unwrap();
        assert!(options.cameras.is_empty());
        assert_eq!(options.mqtt, options::MqttOptions::default());
        assert_eq!(options.topics, TopicOptions::default());
        assert_eq!(options.events, EventOptions::default());
        assert_eq!(options.log_level, LogLevel::Info);
        assert_eq!(warnings, [], "{file}");
    }
}

#[test]
fn a_camera_with_everything_is_read() {
    let file = json!({"cameras": [{
        "name": " Front door ", "id": "door", "stream": "rtsps://10.0.0.5:322/h264", "snapshot": "https://10.0.0.5/snap.jpg?ch=1",
        "username": "viewer", "password": " s3cret ", "kind": "doorbell", "area": "Garden", "manufacturer": "Acme",
        "model": "X1", "check_seconds": "45", "enabled": "no",
    }]});
    let loaded = load(&file).unwrap();
    let camera = &loaded.options.cameras[0];
    assert_eq!((camera.name.as_str(), camera.id.as_str()), ("Front door", "door"));
    assert_eq!(camera.stream.as_ref().unwrap().as_str(), "rtsps://10.0.0.5:322/h264");
    assert_eq!(camera.snapshot.as_ref().unwrap().as_str(), "https://10.0.0.5/snap.jpg?ch=1");
    let credentials = camera.credentials.as_ref().unwrap();
    assert_eq!((credentials.username.as_str(), credentials.password.expose_secret()), ("viewer", " s3cret "));
    assert_eq!(camera.kind, CameraKind::Doorbell);
    assert_eq!(camera.area.as_deref(), Some("Garden"));
    assert_eq!((camera.manufacturer.as_deref(), camera.model.as_deref()), (Some("Acme"), Some("X1")));
    assert_eq!(camera.check_every, Duration::from_secs(45));
    assert!(!camera.enabled);
}

#[test]
fn a_camera_needs_no_more_than_a_name() {
    let loaded = load(&json!({"cameras": [{"name": "Haustür"}]})).unwrap();
    let camera = &loaded.options.cameras[0];
    assert_eq!(camera.id.as_str(), "haustuer");
    assert_eq!((&camera.stream, &camera.snapshot, &camera.credentials), (&None, &None, &None));
    assert_eq!((camera.kind, camera.check_every, camera.enabled), (CameraKind::Camera, Duration::from_secs(30), true));
}

#[test]
fn the_whole_list_of_faults_is_told_at_once() {
    let file = json!({
        "cameras": [
            {"stream": "rtsp://10.0.0.1/a"},
            {"name": "Two", "id": "Two!", "stream": "http://10.0.0.1/a", "snapshot": "rtsp://10.0.0.1/a", "kind": "bell"},
            {"name": "Three", "check_seconds": 4, "enabled": "maybe", "password": "x"},
            "four",
        ],
        "mqtt": {"host": "a b", "port": 0, "protocol": 4},
        "topics": {"base": "a/#"},
        "events": {"keep_days": -1},
        "log_level": "loud",
    });
    let paths: Vec<_> = faults(&file).into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        [
            "cameras[0].name",
            "cameras[1].id",
            "cameras[1].stream",
            "cameras[1].snapshot",
            "cameras[1].kind",
            "cameras[2].password",
            "cameras[2].check_seconds",
            "cameras[2].enabled",
            "cameras[3]",
            "mqtt.protocol",
            "mqtt.port",
            "mqtt.host",
            "topics.base",
            "events.keep_days",
            "log_level",
        ]
    );
    let text = load(&file).unwrap_err().to_string();
    assert!(text.starts_with("the options have 15 faults (file "), "{text}");
    assert_eq!(text.lines().count(), 16);
    assert!(
        text.contains("\n  cameras[2].check_seconds (camera \"Three\"): must be a whole number from 5 to 3600\n"),
        "{text}"
    );
}

#[test]
fn names_and_texts_have_limits() {
    let name = |name: &str| json!({"cameras": [{"name": name, "id": "a"}]});
    assert!(load(&name(&"ü".repeat(80))).is_ok());
    assert!(fault(&name(&"ü".repeat(81))).1.contains("80"));
    assert!(fault(&name("a\nb")).1.contains("control"));
    assert!(fault(&name("  ")).1.contains("required"));
    assert_eq!(fault(&json!({"cameras": [{"name": "a", "area": "x".repeat(81)}]})).0, "cameras[0].area");
    assert!(fault(&json!({"cameras": [{"name": ["a"], "id": "a"}]})).1.contains("text"));
}

#[test]
fn an_id_that_cannot_be_made_of_the_name_is_asked_for() {
    let (path, problem) = fault(&json!({"cameras": [{"name": "カメラ"}]}));
    assert_eq!(path, "cameras[0].id");
    assert!(problem.contains("set an id"), "{problem}");
    assert!(load(&json!({"cameras": [{"name": "カメラ", "id": "kamera"}]})).is_ok());
    for file in [json!({"cameras": [{"name": "Bridge"}]}), json!({"cameras": [{"name": "x", "id": "bridge"}]})] {
        assert!(fault(&file).1.contains("choose another id"));
    }
}

#[test]
fn two_cameras_with_one_id_are_both_named() {
    for second in [json!({"name": "front-door"}), json!({"name": "Other", "id": "front_door", "enabled": false})] {
        let file = json!({"cameras": [{"name": "Front door"}, {"name": "Yard"}, second]});
        let error = load(&file).unwrap_err().to_string();
        assert!(error.contains("cameras[2].id (camera "), "{error}");
        assert!(error.contains(r#"already the id of cameras[0] ("Front door")"#), "{error}");
    }
}

#[test]
fn urls_need_their_scheme_and_a_host() {
    for stream in [
        "10.0.0.5/h264",
        "rtsp://",
        "rtsp:///h264",
        "rtsp:10.0.0.5",
        "http://10.0.0.5/",
        "rtsp://h:99999/",
        "rtsp://h:0/",
    ] {
        let (path, problem) = fault(&json!({"cameras": [{"name": "a", "stream": stream}]}));
        assert_eq!(path, "cameras[0].stream");
        assert!(problem.contains("rtsp://"), "{problem}");
    }
    for snapshot in ["ftp://h/a", "rtsp://h/a", "http://", "/snap.jpg"] {
        let (path, problem) = fault(&json!({"cameras": [{"name": "a", "snapshot": snapshot}]}));
        assert_eq!(path, "cameras[0].snapshot");
        assert!(problem.contains("http://"), "{problem}");
    }
    let file = json!({"cameras": [{"name": "a", "stream": "rtsp://[fe80::1]:8554/x?channel=1&subtype=0"}]});
    assert_eq!(load(&file).unwrap().options.cameras[0].stream.as_ref().unwrap().host_str(), Some("[fe80::1]"));
}

#[test]
fn user_and_password_move_out_of_the_urls() {
    let camera = |camera: Value| {
        let loaded = load(&json!({"cameras": [camera]})).unwrap();
        let camera = loaded.options.cameras.into_iter().next().unwrap();
        let credentials = camera.credentials.map(|login| (login.username, login.password.expose_secret().to_owned()));
        let urls = format!("{:?}{:?}", camera.stream.map(String::from), camera.snapshot.map(String::from));
        assert!(!urls.contains('@'), "{urls}");
        (credentials, loaded.warnings.len())
    };
    let login = |name: &str, password: &str| Some((name.to_owned(), password.to_owned()));
    assert_eq!(camera(json!({"name": "a", "stream": "rtsp://u:p%40ss@h/"})), (login("u", "p@ss"), 0));
    assert_eq!(camera(json!({"name": "a", "snapshot": "http://u@h/"})), (login("u", ""), 0));
    assert_eq!(camera(json!({"name": "a", "stream": "rtsp://u@h/", "password": "p"})), (login("u", "p"), 0));
    assert_eq!(camera(json!({"name": "a", "stream": "rtsp://u:p@h/", "username": "u"})), (login("u", "p"), 0));
    // The same account in both is one account, another one is not used.
    assert_eq!(
        camera(json!({"name": "a", "stream": "rtsp://u:p@h/", "snapshot": "http://u:p@h/"})),
        (login("u", "p"), 0)
    );
    assert_eq!(
        camera(json!({"name": "a", "stream": "rtsp://u:p@h/", "snapshot": "http://x:y@h/"})),
        (login("u", "p"), 1)
    );
    assert_eq!(
        camera(json!({"name": "a", "stream": "rtsp://x:y@h/", "username": "u", "password": "p"})),
        (login("u", "p"), 1)
    );
}

#[test]
fn a_password_that_was_typed_into_an_address_as_it_is_is_a_fault_that_repeats_nothing() {
    for (key, scheme) in [("stream", "rtsp"), ("stream", "rtsps"), ("snapshot", "http"), ("snapshot", "https")] {
        for secret in [
            "2024#cam",
            "1234/5678",
            "99?xyz",
            "#xyz",
            "/slash",
            "eins#zwei",
            "drei/vier",
            "p@1234/5678",
            "77/f@nf#s?chs",
        ] {
            let address = format!("{scheme}://viewer:{secret}@192.168.7.7/live");
            let (path, problem) = fault(&json!({ "cameras": [{ "name": "Front", key: address }] }));
            assert_eq!(path, format!("cameras[0].{key}"));
            assert!(problem.contains("put user name and password into their own keys"), "{problem}");
            let pieces = secret.split(['#', '/', '?', '@', ':']).filter(|piece| piece.len() > 1);
            for piece in pieces.chain(["viewer", "192.168"]) {
                assert!(!problem.contains(piece), "{address}: {problem}");
            }
        }
    }
    // What an address can hold is used as it is meant.
    let loaded =
        load(&json!({ "cameras": [{ "name": "Front", "stream": "rtsp://viewer:2024:cam@192.168.7.7/a@b" }] })).unwrap();
    let credentials = loaded.options.cameras[0].credentials.as_ref().unwrap();
    assert_eq!((credentials.username.as_str(), credentials.password.expose_secret()), ("viewer", "2024:cam"));
}

#[test]
fn a_password_alone_is_a_fault() {
    assert_eq!(fault(&json!({"cameras": [{"name": "a", "password": "p"}]})).0, "cameras[0].password");
    assert_eq!(fault(&json!({"cameras": [{"name": "a", "stream": "rtsp://:p@h/"}]})).0, "cameras[0].password");
    assert_eq!(fault(&json!({"mqtt": {"host": "b", "password": "p"}})).0, "mqtt.password");
}

#[test]
fn a_broker_is_read_in_all_its_forms() {
    let broker = |mqtt: Value| load(&json!({"mqtt": mqtt})).unwrap().options.mqtt.broker.unwrap();
    let plain = broker(json!({"host": "10.0.0.2"}));
    assert_eq!((plain.host.as_str(), plain.port, plain.tls, plain.credentials), ("10.0.0.2", 1883, false, None));
    let tls = broker(json!({"host": "b", "tls": "yes"}));
    assert_eq!((tls.port, tls.tls), (8883, true));
    let full = broker(json!({"host": "b", "port": "1884", "username": "u", "password": "007"}));
    assert_eq!((full.port, full.credentials.unwrap().password.expose_secret()), (1884, "007"));
    let url = broker(json!({"host": "mqtts://u:p%C3%A4@b:8884"}));
    assert_eq!((url.host.as_str(), url.port, url.tls), ("b", 8884, true));
    assert_eq!(url.credentials.unwrap().password.expose_secret(), "pä");
    assert_eq!(broker(json!({"host": "mqtt://b", "tls": true})).port, 8883);
    assert_eq!(fault(&json!({"mqtt": {"host": "b:1884", "port": 1885}})).0, "mqtt.port");
    assert_eq!(fault(&json!({"mqtt": {"host": "mqtts://b", "tls": false}})).0, "mqtt.tls");
}

#[test]
fn the_protocol_may_be_a_number() {
    let protocol = |value: Value| load(&json!({"mqtt": {"protocol": value}})).unwrap().options.mqtt.protocol;
    assert_eq!(protocol(json!("auto")), Protocol::Auto);
    assert_eq!(protocol(json!(5)), Protocol::V5);
    assert_eq!(protocol(json!("5")), Protocol::V5);
    assert_eq!(protocol(json!("3.1.1")), Protocol::V311);
    assert!(fault(&json!({"mqtt": {"protocol": "3.1"}})).1.contains("auto, 5, 3.1.1"));
}

#[test]
fn broker_keys_without_a_host_are_not_used_and_said_so() {
    let file = json!({"mqtt": {"port": 1883, "username": "u", "password": "p", "tls": true, "ca_file": "/ssl/ca.pem"}});
    let loaded = load(&file).unwrap();
    assert_eq!(loaded.options.mqtt.broker, None);
    assert_eq!(loaded.options.mqtt.ca_file, Some(PathBuf::from("/ssl/ca.pem")));
    let paths: Vec<_> = loaded.warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(paths, ["mqtt.port", "mqtt.username", "mqtt.password", "mqtt.tls"]);
    assert_eq!(warnings(&json!({"mqtt": {"password": "p"}})).len(), 1, "what is not used is not wrong");
    assert_eq!(warnings(&json!({"mqtt": {"host": "b", "ca_file": "/ssl/ca.pem"}})).len(), 1);
}

#[test]
fn topics_are_checked() {
    for bad in ["a/+", "a#", "/a", "a/", "a//b", "$SYS/a", "a\u{0}b", &"x".repeat(101)] {
        for key in ["base", "discovery_prefix", "birth"] {
            assert_eq!(fault(&json!({"topics": {key: bad}})).0, format!("topics.{key}"), "{bad}");
        }
    }
    let topics = load(&json!({"topics": {"base": "home/cams", "birth": "ha/status"}})).unwrap().options.topics;
    assert_eq!((topics.base.as_str(), topics.discovery_prefix.as_str()), ("home/cams", "homeassistant"));
}

#[test]
fn our_own_topics_cannot_be_the_birth_message() {
    assert_eq!(fault(&json!({"topics": {"base": "homeassistant"}})).0, "topics.birth");
    assert_eq!(fault(&json!({"topics": {"birth": "camera_herald/camera/a/status"}})).0, "topics.birth");
    assert!(load(&json!({"topics": {"base": "home", "birth": "home/ha/status"}})).is_ok());
}

#[test]
fn numbers_have_their_ranges() {
    for (group, key, least, most) in [
        ("events", "activity_seconds", 1, 86_400),
        ("events", "keep_days", 1, 3650),
        ("events", "stale_after_seconds", 1, 86_400),
        ("mqtt", "port", 1, 65_535),
    ] {
        for good in [json!(least), json!(most), json!(most.to_string()), json!(f64::from(least))] {
            assert!(load(&json!({group: {key: good}, "cameras": []})).is_ok(), "{key} {good}");
        }
        for bad in [json!(least - 1), json!(most + 1), json!(1.5), json!("x"), json!(true), json!([1]), json!(1e300)] {
            let (path, problem) = fault(&json!({group: {key: bad}}));
            assert_eq!(path, format!("{group}.{key}"));
            assert!(problem.contains(&format!("{least} to {most}")), "{problem}");
        }
    }
}

#[test]
fn unknown_keys_warn_and_suggest() {
    let file = json!({
        "cameras": [{"name": "a", "strem": "rtsp://h/"}], "mqtt": {"hots": "b"}, "topcis": {}, "colour": {"a": {"b": 1}},
    });
    let warnings = warnings(&file);
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    let has = |text: &str| assert!(warnings.iter().any(|warning| warning.contains(text)), "{text} in {warnings:?}");
    has(r#"cameras[0].strem: unknown key, ignored; did you mean "stream"?"#);
    has(r#"mqtt.hots: unknown key, ignored; did you mean "host"?"#);
    has(r#"topcis: unknown key, ignored; did you mean "topics"?"#);
    has("colour: unknown key, ignored; known here are cameras, mqtt, topics, events, log_level");
}

#[test]
fn a_misspelt_key_is_told_beside_the_fault_that_it_causes() {
    let text = load(&json!({"cameras": [{"nmae": "Door"}]})).unwrap_err().to_string();
    assert!(text.starts_with("the options have a fault (file "), "{text}");
    assert!(text.contains("\n  cameras[0].name: is required"), "{text}");
    assert!(text.ends_with("\n  note: cameras[0].nmae: unknown key, ignored; did you mean \"name\"?"), "{text}");
}

#[test]
fn groups_of_the_wrong_shape_are_faults() {
    assert_eq!(fault(&json!({"cameras": {"name": "a"}})).0, "cameras");
    assert!(fault(&json!({"mqtt": "mqtt://b"})).1.contains("host, port"));
    assert_eq!(fault(&json!({"cameras": [null]})).0, "cameras[0]");
}

#[test]
fn later_layers_win() {
    let file = json!({"mqtt": {"host": "from-file", "port": 1, "username": "u"}, "log_level": "warn"});
    let variables =
        [("HERALD__MQTT__HOST", "from-environment"), ("HERALD__MQTT__PORT", "2"), ("HERALD__LOG_LEVEL", "")];
    let options = load_with(&file, &variables, &[("mqtt.port", "3")]).unwrap().options;
    let broker = options.mqtt.broker.unwrap();
    assert_eq!((broker.host.as_str(), broker.port), ("from-environment", 3));
    assert_eq!(broker.credentials.unwrap().username, "u");
    assert_eq!(options.log_level, LogLevel::Warn, "an empty variable is unset");
    let options = load_with(&file, &[], &[("mqtt.host", "")]).unwrap().options;
    assert_eq!(options.mqtt.broker, None, "an empty text on the command line clears");
}

#[test]
fn the_environment_is_text() {
    let variables = [
        ("HERALD__MQTT__HOST", "b"),
        ("HERALD__MQTT__USERNAME", "true"),
        ("HERALD__MQTT__PASSWORD", "007"),
        ("HERALD__MQTT__TLS", "true"),
        ("HERALD__CAMERAS", r#"[{"name": "Door", "check_seconds": 5}]"#),
    ];
    let options = load_with(&json!({"cameras": [{"name": "a"}, {"name": "b"}]}), &variables, &[]).unwrap().options;
    let broker = options.mqtt.broker.unwrap();
    let credentials = broker.credentials.unwrap();
    assert_eq!((credentials.username.as_str(), credentials.password.expose_secret()), ("true", "007"));
    assert!(broker.tls);
    assert_eq!(options.cameras.len(), 1);
    assert_eq!(options.cameras[0].id.as_str(), "door");
}

#[test]
fn faults_name_the_layer_that_they_come_from() {
    let error = load_with(&json!({}), &[("HERALD__MQTT__PORT", "x")], &[("log_level", "loud")]).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("mqtt.port: must be a whole number from 1 to 65535 (set by the environment)"), "{text}");
    assert!(text.contains("(set by the command line)"), "{text}");
    let wrong = [("cameras", "[{"), ("cameras.0.name", "a"), ("mqtt..host", "a"), ("mqtt", "a"), ("mqtt.host", "b")];
    let error = load_with(&json!({}), &[], &wrong).unwrap_err();
    let paths: Vec<_> = error.faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["cameras", "cameras.0.name", "mqtt..host", "mqtt.host", "mqtt"]);
}

#[test]
fn toml_is_read_by_its_ending() {
    let text = "log_level = 'debug'\n[[cameras]]\nname = 'Door'\nenabled = false\n[mqtt]\nhost = 'b'\nport = 1885\n";
    let options = load_text("herald.toml", text, &[], &[]).unwrap().options;
    assert_eq!(options.cameras[0].name, "Door");
    assert_eq!(options.mqtt.broker.unwrap().port, 1885);
    assert_eq!(options.log_level, LogLevel::Debug);
}

#[test]
fn a_broken_file_is_told_by_line_and_column_and_without_its_values() {
    for (name, text, place) in [
        ("options.json", "{\"mqtt\": {\n  \"password\": \"hunter2\" \"x\"}}", "line 2, column 25"),
        ("options.json", "\u{feff}{\"password\": \"hunter2", "line 1, column "),
        ("o.toml", "[mqtt]\npassword = hunter2\n", "line 2, column 12"),
        ("o.toml", "[mqtt]\npassword = 'hunter2'\npassword = 'hunter2'\n", "line 3, column 1"),
    ] {
        let error = load_text(name, text, &[], &[]).unwrap_err();
        assert_eq!(error.faults.len(), 1, "{error}");
        assert!(error.to_string().contains(place), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    for text in ["[]", "\"hunter2\"", "7"] {
        let error = load_text("options.json", text, &[], &[]).unwrap_err().to_string();
        assert!(error.contains("must hold one JSON object") && !error.contains("hunter2"), "{error}");
    }
    let bom = load_text("options.json", "\u{feff}{\"log_level\": \"warn\"}", &[], &[]).unwrap();
    assert_eq!(bom.options.log_level, LogLevel::Warn);
}

#[test]
fn a_missing_file_is_a_fault_only_when_it_was_named() {
    let dir = TempDir::new().unwrap();
    let missing = dir.path().join("missing.json");
    let environment = Environment::from_pairs([("HERALD_OPTIONS", missing.to_str().unwrap())]);
    let error = options::load(&environment, &[]).unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");

    let environment = Environment::from_pairs([("HERALD_DATA_DIR", dir.path().to_str().unwrap())]);
    assert_eq!(options::load(&environment, &[]).unwrap().file, None);
    let path = dir.path().join("options.json");
    std::fs::write(&path, r#"{"log_level": "trace"}"#).unwrap();
    let loaded = options::load(&environment, &[]).unwrap();
    assert_eq!((loaded.options.log_level, loaded.file), (LogLevel::Trace, Some(path)));
}

#[test]
fn the_token_means_app_mode() {
    let none: [(&str, &str); 0] = [];
    let alone = Environment::from_pairs(none);
    assert!(!alone.app_mode());
    assert_eq!(alone.data_dir, Path::new("herald-data"));
    assert_eq!(alone.supervisor_url.as_str(), "http://supervisor/");
    assert_eq!(
        (alone.ingress_listen.to_string(), alone.events_listen.to_string()),
        ("127.0.0.1:8099".into(), "127.0.0.1:8098".into())
    );
    assert!(!Environment::from_pairs([("SUPERVISOR_TOKEN", " ")]).app_mode());

    let app = Environment::from_pairs([("SUPERVISOR_TOKEN", " abc\n"), ("PATH", "/bin")]);
    assert_eq!(app.supervisor_token.as_ref().unwrap().expose_secret(), "abc");
    assert_eq!(app.data_dir, Path::new("/data"));
    assert_eq!(
        (app.ingress_listen.to_string(), app.events_listen.to_string()),
        ("0.0.0.0:8099".into(), "0.0.0.0:8098".into())
    );
}

#[test]
fn variables_that_make_no_sense_are_faults_and_unknown_ones_warn() {
    let dir = TempDir::new().unwrap();
    let environment = Environment::from_pairs([
        ("HERALD_DATA_DIR", dir.path().to_str().unwrap()),
        ("HERALD_SUPERVISOR_URL", "ftp://x"),
        ("HERALD_INGRESS_LISTEN", "8099"),
        ("HERALD_EVENTS_LISTEN", "[::1]:9"),
    ]);
    assert_eq!(environment.events_listen.to_string(), "[::1]:9");
    let paths: Vec<_> =
        options::load(&environment, &[]).unwrap_err().faults.into_iter().map(|fault| fault.path).collect();
    assert_eq!(paths, ["HERALD_SUPERVISOR_URL", "HERALD_INGRESS_LISTEN"]);

    let environment =
        Environment::from_pairs([("HERALD_DATA_DIR", dir.path().to_str().unwrap()), ("HERALD_MQTT_HOST", "b")]);
    let warnings = options::load(&environment, &[]).unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].to_string().starts_with("HERALD_MQTT_HOST: unknown variable"), "{}", warnings[0]);
}

#[test]
fn the_process_environment_can_be_read() {
    let environment = Environment::read();
    assert_eq!(environment.app_mode(), environment.supervisor_token.is_some());
}

#[test]
fn no_secret_is_in_what_can_be_printed() {
    let secret = "hunter2";
    let url = format!("rtsp://u:{secret}@h/");
    let mqtt = format!("mqtts://u:{secret}@b");
    let good = json!({
        "cameras": [{"name": "a", "stream": url, "snapshot": format!("http://x:{secret}@h/")}, {"name": "b", "username": "u", "password": secret}],
        "mqtt": {"host": mqtt},
    });
    let loaded = load(&good).unwrap();
    assert_eq!(loaded.options.cameras[1].credentials.as_ref().unwrap().password.expose_secret(), secret);
    let texts = format!("{loaded:?} {:?}", loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert!(!texts.contains(secret), "{texts}");

    // The secret at every place where a fault is possible.
    for key in KEYS {
        for value in [
            json!(secret),
            json!([secret]),
            json!({"a": secret}),
            json!(format!("{secret}\u{0}")),
            json!(format!("x://{secret}:{secret}#@/+")),
        ] {
            let mut file = json!({"cameras": [{"name": "a"}], "mqtt": {"host": "b"}, "topics": {}, "events": {}});
            let pointer = format!("/{}", key.path.replace("[]", "/0").replace('.', "/"));
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            file.pointer_mut(parent).unwrap()[name] = value;
            if let Err(error) = load(&file)
                && key.path != "cameras[].name"
            {
                assert!(!format!("{error} {error:?}").contains(secret), "{}: {error}", key.path);
            }
        }
    }

    let environment = Environment::from_pairs([
        ("SUPERVISOR_TOKEN", secret),
        ("HERALD__MQTT__PASSWORD", secret),
        ("HERALD__CAMERAS", secret),
    ]);
    let error = options::load(&environment, &[]).unwrap_err();
    let texts = format!("{environment:?} {error} {error:?}");
    assert!(!texts.contains(secret), "{texts}");
}

#[test]
fn every_key_of_the_table_is_read() {
    // A value of the wrong shape is noticed by whoever reads it.
    let mut file = json!({"cameras": [{}], "mqtt": {}, "topics": {}, "events": {}});
    for key in KEYS {
        let pointer = format!("/{}", key.path.replace("[]", "/0").replace('.', "/"));
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        file.pointer_mut(parent).unwrap()[name] = json!({"wrong": "shape"});
    }
    let noticed: BTreeSet<_> = faults(&file).into_iter().map(|(path, _)| path.replace("[0]", "[]")).collect();
    let keys: BTreeSet<_> = KEYS.iter().map(|key| key.path.to_owned()).collect();
    assert_eq!(noticed, keys);
}
