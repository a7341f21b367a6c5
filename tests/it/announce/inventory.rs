//! Cameras come, go and change their names; nothing of ours stays behind and nothing of others is touched.

use camera_herald::demo::broker::{self, Broker};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::expected::{assert_on, topics};
use crate::support::herald::{Herald, PATIENCE, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto, Store};
use crate::support::publish;
use crate::support::watcher::Watcher;
use rumqttc::QoS;
use tokio::time::{Duration, Instant, sleep};

fn ids(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_camera_removed_by_reload_leaves_nothing_and_the_link_stays() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(3))).await;
    herald.says("Announced to Home Assistant", 1).await;
    herald.reload(|options| {
        options["cameras"].as_array_mut().unwrap().remove(1);
    });
    herald.says("Took what is no longer wanted", 1).await;
    assert_on(&broker, &topics("camera_herald", &ids(&["cam_0", "cam_2"]))).await;
    assert_eq!(herald.count("Connected to the broker"), 1, "cameras alone need no reconnect");
}

#[tokio::test]
async fn a_disabled_camera_is_taken_out_and_comes_back_when_enabled() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.says("Announced to Home Assistant", 1).await;
    herald.reload(|options| options["cameras"][0]["enabled"] = json!(false));
    herald.says("Took what is no longer wanted", 1).await;
    assert_on(&broker, &topics("camera_herald", &ids(&["cam_1"]))).await;
    herald.reload(|options| options["cameras"][0]["enabled"] = json!(true));
    herald.says("Announced to Home Assistant", 3).await;
    assert_on(&broker, &topics("camera_herald", &ids(&["cam_0", "cam_1"]))).await;
}

#[tokio::test]
async fn a_camera_removed_while_the_app_was_down_leaves_nothing() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(3))).await;
    herald.says("Announced to Home Assistant", 1).await;
    herald.kill9().await;
    let herald = Herald::start_in(herald.dir(), Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.says("Took what is no longer wanted", 1).await;
    assert_on(&broker, &topics("camera_herald", &ids(&["cam_0", "cam_1"]))).await;
}

#[tokio::test]
async fn a_camera_removed_while_the_broker_was_away_leaves_nothing() {
    let mut broker = Mosquitto::start(Config { persistence: true, ..Config::default() }).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(3))).await;
    herald.says("Announced to Home Assistant", 1).await;
    broker.terminate().await;
    herald.says(" WARN Waiting for the broker", 1).await;
    herald.reload(|options| {
        options["cameras"].as_array_mut().unwrap().pop();
    });
    herald.says("Read the options again", 1).await;
    broker.restart(Store::Kept).await;
    herald.says("Took what is no longer wanted", 1).await;
    assert_on(&broker, &topics("camera_herald", &ids(&["cam_0", "cam_1"]))).await;
}

#[tokio::test]
async fn a_leftover_that_nobody_remembers_is_found_on_the_broker_and_what_is_not_ours_stays() {
    let broker = Mosquitto::start(Config::default()).await;
    let guest = Watcher::start(broker.addr(), &["#"], QoS::AtLeastOnce).await;
    let (mut herald, foreign) = {
        let earlier = Herald::start(Setup::with_broker(broker.addr(), push_cameras(3))).await;
        earlier.says("Announced to Home Assistant", 1).await;
        let foreign = [
            "homeassistant/device/other-cam_2/config",
            "homeassistant/device/zigbee/config",
            "homeassistant/sensor/camera_herald/x/config",
            "camera_herald/elsewhere/note",
        ];
        for topic in foreign {
            crate::support::publish(broker.addr(), topic, "theirs").await;
        }
        (earlier, foreign)
    };
    herald.kill9().await;
    // A fresh data dir: no ledger, as after a restored backup or a second installation.
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(1))).await;
    herald.says("Took what is no longer wanted", 1).await;
    let mut expected = topics("camera_herald", &ids(&["cam_0"]));
    expected.extend(foreign.map(str::to_owned));
    assert_on(&broker, &expected).await;
    drop(guest);
}

#[tokio::test]
async fn a_renamed_camera_keeps_its_identity() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(1))).await;
    herald.says("Announced to Home Assistant", 1).await;
    let config = "homeassistant/device/camera_herald-cam_0/config";
    let before: Value = serde_json::from_slice(&broker.retained(config).await[config]).unwrap();
    herald.reload(|options| options["cameras"][0]["name"] = json!("Hall"));
    herald.says("Announced to Home Assistant", 2).await;
    let after: Value = serde_json::from_slice(&broker.retained(config).await[config]).unwrap();
    assert_eq!(after["device"]["name"], json!("Hall"));
    assert_eq!(after["device"]["identifiers"], before["device"]["identifiers"]);
    for (key, component) in before["components"].as_object().unwrap() {
        assert_eq!(after["components"][key]["unique_id"], component["unique_id"], "{key}");
    }
    assert_on(&broker, &topics("camera_herald", &ids(&["cam_0"]))).await;
}

#[tokio::test]
async fn another_base_takes_everything_of_the_old_one_away() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.says("Announced to Home Assistant", 1).await;
    herald.reload(|options| options["topics"] = json!({ "base": "liveobject" }));
    herald.says("Took what is no longer wanted", 1).await;
    assert_on(&broker, &topics("liveobject", &ids(&["cam_0", "cam_1"]))).await;
}

/// In 0.1.0 the bases `home/cam` and `home-cam` shared a node, and overwrote each other's devices.
#[tokio::test]
async fn devices_under_the_shared_node_of_an_earlier_version_go_and_those_of_another_base_stay() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut setup = Setup::with_broker(broker.addr(), push_cameras(1));
    setup.options["topics"] = json!({ "base": "home/cam" });
    let mut herald = Herald::start(setup).await;
    herald.says("Announced to Home Assistant", 1).await;
    herald.terminate().await;
    // As that version left it: the ledger and the broker hold the devices under the shared node.
    for id in ["bridge", "cam_0"] {
        publish(broker.addr(), &format!("homeassistant/device/home--cam-{id}/config"), "").await;
        publish(broker.addr(), &format!("homeassistant/device/home-cam-{id}/config"), "theirs").await;
    }
    publish(broker.addr(), "homeassistant/device/home-2d-cam-cam_0/config", "theirs").await;
    let ledger = Connection::open(herald.dir().path().join("herald.db")).unwrap();
    ledger.execute("UPDATE ledger SET topic = replace(topic, 'home--cam-', 'home-cam-')", ()).unwrap();
    drop(ledger);

    let mut herald = Herald::start_in(herald.dir(), herald.setup()).await;
    herald.says("Took what is no longer wanted", 1).await;
    let states = topics("home/cam", &ids(&["cam_0"])).into_iter().filter(|topic| topic.starts_with("home/cam/"));
    let configs = ["home--cam-bridge", "home--cam-cam_0", "home-2d-cam-cam_0"]
        .map(|node| format!("homeassistant/device/{node}/config"));
    assert_on(&broker, &states.chain(configs).collect()).await;
    herald.terminate().await;
}

#[tokio::test]
async fn wrong_options_at_a_reload_change_nothing() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(1))).await;
    herald.says("Announced to Home Assistant", 1).await;
    herald.reload(|options| options["cameras"][0]["kind"] = json!("toaster"));
    herald.says("cameras[0].kind", 1).await;
    assert!(herald.is_running());
    assert_on(&broker, &topics("camera_herald", &ids(&["cam_0"]))).await;
}

#[tokio::test]
async fn a_component_of_an_earlier_version_is_sent_as_its_platform_before_it_is_left_out() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(1))).await;
    herald.says("Announced to Home Assistant", 1).await;
    herald.terminate().await;
    let config = "homeassistant/device/camera_herald-cam_0/config";
    let database = Connection::open(herald.dir().path().join("herald.db")).unwrap();
    let components = json!({ "status": "sensor", "old_button": "button" }).to_string();
    assert_eq!(
        database.execute("UPDATE ledger SET components = ?1 WHERE topic = ?2", (components, config)).unwrap(),
        1
    );
    drop(database);

    let watcher = Watcher::start(broker.addr(), &[config], QoS::AtLeastOnce).await;
    let herald = Herald::start_in(herald.dir(), herald.setup()).await;
    herald.says("Announced to Home Assistant", 1).await;
    let seen = watcher.wait_until(|seen| seen.iter().filter(|message| !message.retain).count() == 2).await;
    let live: Vec<Value> = seen
        .iter()
        .filter(|message| !message.retain)
        .map(|message| serde_json::from_str(&message.text()).unwrap())
        .collect();
    assert_eq!(live[0]["components"]["old_button"], json!({ "platform": "button" }));
    assert_eq!(live[1]["components"].get("old_button"), None);
}

#[tokio::test]
async fn a_device_deleted_in_home_assistant_stays_away_until_it_is_asked_for() {
    let broker = Mosquitto::start(Config::default()).await;
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.says("Announced to Home Assistant", 1).await;
    let config = "homeassistant/device/camera_herald-cam_0/config";
    // Home Assistant clears the topic once for each entity.
    for _ in 0..7 {
        crate::support::publish(broker.addr(), config, "").await;
    }
    herald.says("deleted in Home Assistant", 1).await;
    herald.says("Took what is no longer wanted", 1).await;
    assert_on(&broker, &topics("camera_herald", &ids(&["cam_1"]))).await;

    crate::support::publish(broker.addr(), "homeassistant/status", "online!").await;
    crate::support::publish(broker.addr(), "camera_herald/bridge/command", "announce").await;
    herald.says("Announced to Home Assistant", 3).await;
    assert_on(&broker, &topics("camera_herald", &ids(&["cam_0", "cam_1"]))).await;
    assert_eq!(herald.count("deleted in Home Assistant"), 1, "our own clearing was taken for the user's");
}

#[tokio::test]
async fn our_own_clearing_is_not_taken_for_the_users_when_the_camera_is_back_before_its_echo() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.says("Looked for leftovers", 1).await;
    broker.fault(|faults| faults.delay_acks = Some(Duration::from_millis(400)));
    let config = "homeassistant/device/camera_herald-cam_1/config";
    let cameras = herald.setup().options["cameras"].clone();
    herald.reload(|options| {
        options["cameras"].as_array_mut().unwrap().pop();
    });
    let deadline = Instant::now() + PATIENCE;
    while broker.retained().contains_key(config) {
        assert!(Instant::now() < deadline, "{}", herald.log());
        sleep(Duration::from_millis(5)).await;
    }
    herald.reload(|options| options["cameras"] = cameras);
    herald.says("Read the options again", 2).await;
    herald.says("Announced to Home Assistant", 3).await;
    assert!(broker.retained().contains_key(config));
    assert_eq!(herald.count("deleted in Home Assistant"), 0, "{}", herald.log());
}

#[tokio::test]
async fn retract_leaves_nothing_and_announce_brings_the_devices() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(2))).await;
    herald.says("Announced to Home Assistant", 1).await;
    herald.terminate().await;
    let (code, text) = Herald::once(herald.dir().path(), &herald.setup(), &["retract"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(broker.retained("#").await.len(), 0);
    let (code, text) = Herald::once(herald.dir().path(), &herald.setup(), &["announce"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(broker.retained("homeassistant/#").await.len(), 3);
}
