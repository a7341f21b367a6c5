//! The commands as a library: from a plain thread, from inside a runtime, and on another thread's runtime.

use camera_herald::app::installation::Installation;
use camera_herald::commands::{CommandError, announce, announce_async, check, check_async, retract, retract_async};
use camera_herald::demo::broker::{self, Broker, ConnectFault};
use camera_herald::options::Environment;

use crate::support::herald::push_cameras;
use crate::support::mosquitto::{Config, Mosquitto};

fn installation(broker: &Mosquitto, data_dir: &std::path::Path) -> Installation {
    installation_at(broker.addr(), data_dir)
}

fn installation_at(broker: std::net::SocketAddr, data_dir: &std::path::Path) -> Installation {
    let environment = Environment::from_pairs([
        ("HERALD_DATA_DIR", data_dir.display().to_string()),
        ("HERALD__MQTT__HOST", broker.ip().to_string()),
        ("HERALD__MQTT__PORT", broker.port().to_string()),
        ("HERALD__CAMERAS", push_cameras(2).to_string()),
    ]);
    Installation::load(environment, Vec::new()).unwrap()
}

#[tokio::test]
async fn announce_check_and_retract_work_from_a_plain_thread() {
    let broker = Mosquitto::start(Config::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let installation = installation(&broker, dir.path());
    let on_a_plain_thread = std::thread::spawn(move || {
        let cameras = announce(&installation).unwrap();
        let report = check(&installation).unwrap();
        (cameras, report.ok(), installation)
    });
    let (cameras, ok, installation) = tokio::task::spawn_blocking(|| on_a_plain_thread.join()).await.unwrap().unwrap();
    assert_eq!((cameras, ok), (2, true));
    assert_eq!(broker.retained("homeassistant/#").await.len(), 3);
    tokio::task::spawn_blocking(move || std::thread::spawn(move || retract(&installation)).join())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(broker.retained("#").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn inside_a_runtime_they_return_an_error_and_their_async_twins_work() {
    let broker = Mosquitto::start(Config::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let installation = installation(&broker, dir.path());
    assert!(matches!(announce(&installation), Err(CommandError::InsideRuntime)));
    assert!(matches!(retract(&installation), Err(CommandError::InsideRuntime)));
    assert!(matches!(check(&installation), Err(CommandError::InsideRuntime)));

    assert_eq!(announce_async(&installation).await.unwrap(), 2);
    assert!(check_async(&installation).await.ok());
    retract_async(&installation).await.unwrap();
    assert_eq!(broker.retained("#").await.len(), 0);
}

#[tokio::test]
async fn check_names_what_the_broker_lacks_as_the_service_would() {
    for (line, switch) in [("retain_available false", "retain_available"), ("max_qos 0", "max_qos")] {
        let broker = Mosquitto::start(Config { extra: vec![line.to_owned()], ..Config::default() }).await;
        let dir = tempfile::tempdir().unwrap();
        let report = check_async(&installation(&broker, dir.path())).await;
        let connect = report.steps.iter().find(|step| step.name == "connect").unwrap();
        assert_eq!(connect.ok, Some(false));
        assert!(connect.text.contains(switch), "{}", connect.text);
    }
}

#[tokio::test]
async fn check_fails_where_the_will_is_not_taken() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.fault(|faults| faults.connect = ConnectFault::RefuseWill);
    let dir = tempfile::tempdir().unwrap();
    let report = check_async(&installation_at(broker.addr(), dir.path())).await;
    let connect = report.steps.iter().find(|step| step.name == "connect").unwrap();
    assert!(connect.ok == Some(false) && connect.text.contains("camera_herald/status"), "{}", connect.text);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "a check leaves nothing behind");
}

#[tokio::test]
async fn check_names_the_step_that_fails_and_skips_what_depends_on_it() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let installation = installation(&broker, dir.path());
    broker.terminate().await;
    let report = check_async(&installation).await;
    let step = |name: &str| report.steps.iter().find(|step| step.name == name).unwrap().ok;
    assert_eq!((step("mqtt_service"), step("tcp"), step("connect")), (Some(true), Some(false), None));
    assert!(!report.ok());
}
