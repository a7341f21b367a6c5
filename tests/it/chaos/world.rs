//! Everything that the app lives with, each part real or a fake on a real socket: it can suffer faults, and it can settle.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::camera::SnapshotCamera;
use super::fault::Fault;
use super::truth::{CameraTruth, faults};
use crate::support::herald::{Herald, Setup};
use crate::support::mosquitto::{Config, Mosquitto, Store};
use crate::support::publish_as;
use crate::support::supervisor::{FakeSupervisor, Scenario};

/// All is true again within this, or the walk has failed. A camera that changes is believed after two probes, 5 s apart.
const PATIENCE: Duration = Duration::from_secs(60);
/// Never fewer push-only cameras than this, so that there is always something to lose.
const FEWEST: usize = 3;
const MOST: usize = 12;
const USER: &str = "addons";

/// A push-only camera of the options.
#[derive(Debug, Clone)]
struct Push {
    name: String,
    enabled: bool,
}

pub(crate) struct World {
    broker: Mosquitto,
    broker_up: bool,
    password: String,
    supervisor: FakeSupervisor,
    supervisor_up: bool,
    app: Herald,
    camera: SnapshotCamera,
    pushes: BTreeMap<String, Push>,
    /// The last accepted event of each camera; none when the camera was away since.
    events: BTreeMap<String, Option<String>>,
    events_door: SocketAddr,
    client: reqwest::Client,
    /// Grows, so that no id and no password is used twice.
    serial: usize,
}

impl World {
    pub(crate) async fn start() -> Self {
        camera_herald::tls::install_provider();
        let password = "first".to_owned();
        let login = Some((USER.to_owned(), password.clone()));
        let broker =
            Mosquitto::start(Config { login, persistence: true, max_queued: Some(0), ..Config::default() }).await;
        let supervisor = FakeSupervisor::start(registered(&broker, &password)).await;
        let camera = SnapshotCamera::start().await;
        let pushes: BTreeMap<_, _> =
            (0..6).map(|i| (format!("push_{i}"), Push { name: format!("Push {i}"), enabled: true })).collect();
        let events_door = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut setup = Setup::with_supervisor(
            supervisor.url().as_str(),
            supervisor.token().expose_secret(),
            options(&camera, &pushes),
        );
        setup.environment.push(("HERALD_EVENTS_LISTEN".to_owned(), events_door.to_string()));
        let app = Herald::start(setup).await;
        app.runs().await;
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(Duration::from_secs(5)).build();
        Self {
            broker,
            broker_up: true,
            password,
            supervisor,
            supervisor_up: true,
            app,
            camera,
            pushes,
            events: BTreeMap::new(),
            events_door,
            client: client.unwrap(),
            serial: 100,
        }
    }

    pub(crate) async fn suffer(&mut self, fault: Fault, random: &mut StdRng) {
        match fault {
            Fault::BrokerKilled => self.end_broker(true).await,
            Fault::BrokerStopped => self.end_broker(false).await,
            Fault::BrokerEmptied => self.start_broker(Store::Emptied).await,
            Fault::BrokerStandsStill if self.broker_up => {
                self.broker.pause();
                sleep(Duration::from_millis(random.random_range(50..3_000))).await;
                self.broker.resume();
            }
            Fault::NewPassword if self.broker_up => {
                self.serial += 1;
                self.password = format!("password-{}", self.serial);
                self.broker.set_password(USER, &self.password).await;
                self.supervisor.set(registered(&self.broker, &self.password));
            }
            Fault::SupervisorDown => {
                self.supervisor.stop().await;
                self.supervisor_up = false;
            }
            Fault::SupervisorNotReady => {
                self.supervisor.set(Scenario::NotReady("System is not ready with state: startup"));
            }
            Fault::NoService => self.supervisor.set(Scenario::NotEnabled),
            Fault::Birth if self.broker_up => {
                publish_as(self.broker.addr(), Some(self.login()), "homeassistant/status", "online").await;
            }
            Fault::CameraTurns => self.camera.turn().await,
            Fault::CameraFreezes => self.camera.freeze(!self.camera.is_frozen()),
            Fault::CameraAdded | Fault::CameraRemoved | Fault::CameraRenamed | Fault::CameraDisabled => {
                self.change_options(fault, random);
            }
            Fault::Events => self.post(random).await,
            Fault::AppKilled => {
                self.app.kill9().await;
                self.start_app().await;
            }
            Fault::AppRestarted => {
                let (code, _time) = self.app.terminate().await;
                assert_eq!(code, Some(0), "a stop on request ends with 0; the log:\n{}", self.app.log());
                self.start_app().await;
            }
            Fault::BrokerStandsStill | Fault::NewPassword | Fault::Birth => {}
        }
    }

    /// Brings back what the Supervisor and the user would, and waits until all is true. Returns how long that took.
    pub(crate) async fn settle(&mut self, story: &[String]) -> Duration {
        self.supervisor.set(registered(&self.broker, &self.password));
        if !self.supervisor_up {
            self.supervisor.restart().await;
            self.supervisor_up = true;
        }
        if !self.broker_up {
            self.start_broker(Store::Kept).await;
        }
        let began = Instant::now();
        loop {
            let wrong = faults(&self.broker.retained("#").await, &self.truth());
            if wrong.is_empty() {
                return began.elapsed();
            }
            let alive = self.app.is_running();
            assert!(
                alive && began.elapsed() < PATIENCE,
                "{wrong:#?}\nthe app runs: {alive}\nthe way here: {story:#?}\nits log:\n{}",
                tail(&self.app.log())
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The last stop leaves `offline` and the exit code 0.
    pub(crate) async fn stop(mut self, story: &[String]) {
        // All may look well because the broker kept it; a change shows that the app has found its broker again.
        if let Some(push) = self.pushes.values_mut().next() {
            *push = Push { name: "The last one".to_owned(), enabled: true };
        }
        let cameras = options(&self.camera, &self.pushes);
        self.app.reload(|options| options["cameras"] = cameras);
        self.settle(story).await;
        let (code, _time) = self.app.terminate().await;
        assert_eq!(code, Some(0));
        assert_eq!(self.broker.retained("camera_herald/status").await["camera_herald/status"], b"offline");
    }

    fn login(&self) -> (String, String) {
        (USER.to_owned(), self.password.clone())
    }

    async fn end_broker(&mut self, abruptly: bool) {
        if abruptly {
            self.broker.kill9().await
        } else {
            self.broker.terminate().await
        }
        self.broker_up = false;
    }

    async fn start_broker(&mut self, store: Store) {
        self.broker.restart(store).await;
        self.broker_up = true;
    }

    async fn start_app(&mut self) {
        self.app = Herald::start_in(self.app.dir(), self.app.setup()).await;
        // A signal that comes sooner ends it by the system's default.
        self.app.runs().await;
    }

    fn change_options(&mut self, fault: Fault, random: &mut StdRng) {
        self.serial += 1;
        let ids: Vec<String> = self.pushes.keys().cloned().collect();
        let chosen = ids[random.random_range(0..ids.len())].clone();
        match fault {
            Fault::CameraAdded if self.pushes.len() < MOST => {
                let name = format!("Push {}", self.serial);
                self.pushes.insert(format!("push_{}", self.serial), Push { name, enabled: true });
            }
            Fault::CameraRemoved if self.pushes.len() > FEWEST => {
                self.pushes.remove(&chosen);
                self.events.insert(chosen, None);
            }
            Fault::CameraRenamed => {
                let name = format!("Renamed {}", self.serial);
                self.pushes.entry(chosen).and_modify(|push| push.name = name);
            }
            Fault::CameraDisabled => {
                self.pushes.entry(chosen.clone()).and_modify(|push| push.enabled = !push.enabled);
                self.events.insert(chosen, None);
            }
            _ => return,
        }
        let cameras = options(&self.camera, &self.pushes);
        self.app.reload(|options| options["cameras"] = cameras);
    }

    /// Some events. Only what was answered with 202 is owed; a door that is closed for the moment owes nothing.
    async fn post(&mut self, random: &mut StdRng) {
        let Ok(token) = std::fs::read_to_string(self.app.dir().path().join("event_token")) else { return };
        let ids: Vec<String> = self.pushes.keys().cloned().collect();
        for _ in 0..random.random_range(1..20) {
            self.serial += 1;
            let camera = &ids[random.random_range(0..ids.len())];
            let event_id = format!("event-{}", self.serial);
            let url = format!("http://{}/api/v1/cameras/{camera}/events", self.events_door);
            let event =
                json!({ "event_id": event_id, "timestamp": jiff::Timestamp::now(), "smart_detection_type": "person" });
            let answer = self.client.post(url).bearer_auth(token.trim()).json(&event).send().await;
            if answer.is_ok_and(|answer| answer.status() == 202) {
                // With an earlier one in doubt the order is too.
                self.events.insert(camera.clone(), Some(event_id));
            }
        }
    }

    fn truth(&self) -> Vec<CameraTruth> {
        let enabled = self.pushes.iter().filter(|(_, push)| push.enabled);
        let mut cameras: Vec<_> = enabled
            .map(|(id, push)| CameraTruth {
                id: id.clone(),
                name: push.name.clone(),
                statuses: &["unknown"],
                last_event: self.events.get(id).cloned().flatten(),
                had_events: self.events.contains_key(id),
            })
            .collect();
        let statuses: &[&str] = match (self.camera.is_on(), self.camera.is_frozen()) {
            (false, _) => &["offline"],
            // A minute has to pass before it is called frozen, and it may have been called so already.
            (true, true) => &["online", "frozen"],
            (true, false) => &["online"],
        };
        cameras.push(CameraTruth {
            id: "real".to_owned(),
            name: "Real".to_owned(),
            statuses,
            last_event: None,
            had_events: false,
        });
        cameras
    }
}

fn registered(broker: &Mosquitto, password: &str) -> Scenario {
    let (host, port) = (broker.addr().ip().to_string(), broker.addr().port());
    Scenario::Registered { host, port, username: USER.to_owned(), password: password.to_owned(), ssl: false }
}

fn options(camera: &SnapshotCamera, pushes: &BTreeMap<String, Push>) -> Value {
    let real = json!({ "name": "Real", "id": "real", "snapshot": camera.url(), "check_seconds": 5 });
    let pushes = pushes.iter().map(|(id, push)| json!({ "name": push.name, "id": id, "enabled": push.enabled }));
    std::iter::once(real).chain(pushes).collect()
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
