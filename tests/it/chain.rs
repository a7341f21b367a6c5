//! The chain as its keeper tells it, with a Supervisor on loopback and a real session.

use std::time::Duration;

use camera_herald::chain::{Chain, Condition, Keeper, Kind, Part, Sources, Told};
use camera_herald::homeassistant::{Presence, Sign};
use camera_herald::supervisor::CredentialSource;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::herald::PATIENCE;
use crate::support::link::{Link, options, quick, settings};
use crate::support::mosquitto::{Config, Mosquitto};
use crate::support::supervisor::{FakeSupervisor, Scenario};

use Condition::{Broken, Good, Unknown, Unused, Waiting};

struct Rig {
    told: Told,
    presence: watch::Sender<Presence>,
    look: mpsc::Sender<()>,
    stop: CancellationToken,
    task: JoinSet<()>,
    link: Link,
}

impl Rig {
    /// An app whose broker the Supervisor tells.
    fn with_supervisor(supervisor: &FakeSupervisor) -> Self {
        let mut settings = settings(&options(([127, 0, 0, 1], 1).into()), quick());
        settings.source = CredentialSource::from_options(&Default::default(), Some(supervisor.client()));
        Self::start(Link::start(settings), Some(supervisor))
    }

    fn start(link: Link, supervisor: Option<&FakeSupervisor>) -> Self {
        let presence = watch::Sender::new(Presence::default());
        let (look, looks) = mpsc::channel(1);
        let (keeper, told) = Keeper::new(Sources {
            app_mode: supervisor.is_some(),
            uses_service: supervisor.is_some(),
            supervisor: supervisor.map(FakeSupervisor::client),
            link: link.handle.link(),
            presence: presence.subscribe(),
            looks,
        });
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(keeper.run(stop.clone()));
        Self { told, presence, look, stop, task, link }
    }

    async fn becomes(&mut self, conditions: [Condition; 4]) -> Chain {
        let wanted = |chain: &Chain| chain.0.each_ref().map(|link| link.condition) == conditions;
        let found =
            timeout(PATIENCE, self.told.chain.wait_for(wanted)).await.map(|chain| chain.map(|chain| chain.clone()));
        found.unwrap_or_else(|_| panic!("never {conditions:?}: {:#?}", self.told.chain.borrow())).unwrap()
    }

    async fn stop(mut self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task.join_next()).await.expect("the keeper ends").unwrap().unwrap();
        self.link.stop().await;
    }
}

#[tokio::test]
async fn the_chain_tells_each_step_from_the_supervisor_to_home_assistant() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let supervisor = FakeSupervisor::start(Scenario::NotReady("setup")).await;
    let mut rig = Rig::with_supervisor(&supervisor);
    let chain = rig.becomes([Waiting, Unknown, Unknown, Unknown]).await;
    assert_eq!(chain.part(Part::Supervisor).kind.map(Kind::word), Some("not_ready"));

    supervisor.set(Scenario::NotEnabled);
    let chain = rig.becomes([Good, Waiting, Unknown, Unknown]).await;
    let service = chain.part(Part::MqttService);
    assert_eq!(service.kind.map(Kind::word), Some("service_not_enabled"));
    assert!(service.last_error.as_ref().unwrap().contains("Mosquitto broker app"));

    let address = broker.addr();
    supervisor.set(Scenario::RegisteredAnonymous { host: address.ip().to_string(), port: address.port() });
    rig.becomes([Good, Good, Good, Unknown]).await;
    rig.presence.send_replace(Presence::Here { since: Timestamp::now(), sign: Sign::Birth });
    let chain = rig.becomes([Good; 4]).await;
    let detail = chain.part(Part::Broker).detail.clone().unwrap();
    assert_eq!(detail, format!("{address}, MQTT 3.1.1"));

    // By now the Supervisor was asked again for its versions, because it had been in trouble.
    let versions = |told: &camera_herald::chain::Surroundings| told.system.is_some() && told.app.is_some();
    timeout(PATIENCE, rig.told.surroundings.wait_for(versions)).await.expect("the versions are known").unwrap();
    let supervisor_says = |chain: &Chain| chain.part(Part::Supervisor).detail.as_deref() == Some("2026.08.0");
    timeout(PATIENCE, rig.told.chain.wait_for(supervisor_says)).await.expect("and told").unwrap();

    broker.kill9().await;
    let chain = rig.becomes([Good, Good, Waiting, Unknown]).await;
    assert_eq!(chain.part(Part::HomeAssistant).kind.map(Kind::word), Some("no_broker"));
    let history = rig.told.history.borrow().changes.clone();
    assert!(
        history.iter().any(|change| change.epoch == Some(1)) && history.last().unwrap().cause.is_some(),
        "{history:?}"
    );
    rig.stop().await;
}

#[tokio::test]
async fn a_token_that_is_refused_needs_somebody_and_is_in_no_text() {
    let supervisor = FakeSupervisor::start(Scenario::TokenRefused).await;
    let mut rig = Rig::with_supervisor(&supervisor);
    let chain = rig.becomes([Broken, Unknown, Unknown, Unknown]).await;
    let link = chain.part(Part::Supervisor);
    assert_eq!(link.kind.map(Kind::word), Some("token_refused"));
    assert!(link.last_error.as_ref().unwrap().contains("restart the app"));
    assert!(!format!("{chain:?} {:?}", rig.told).contains(supervisor.token().expose_secret()));
    rig.stop().await;
}

#[tokio::test]
async fn while_all_is_well_the_supervisor_is_asked_once_however_often_somebody_looks() {
    let broker = Mosquitto::start(Config::default()).await;
    let address = broker.addr();
    let registered = Scenario::RegisteredAnonymous { host: address.ip().to_string(), port: address.port() };
    let supervisor = FakeSupervisor::start(registered).await;
    let mut rig = Rig::with_supervisor(&supervisor);
    rig.becomes([Good, Good, Good, Unknown]).await;
    let told = rig.told.surroundings.wait_for(|told| told.system.is_some()).await.unwrap().clone();
    assert_eq!(told.app.unwrap().slug, "local_camera_herald");
    for _ in 0..200 {
        let _one_waits_already = rig.look.try_send(());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let questions = supervisor.seen().iter().filter(|path| path.as_str() == "GET /info").count();
    assert_eq!(questions, 1, "{:?}", supervisor.seen());
    rig.stop().await;
}

#[tokio::test]
async fn without_a_supervisor_two_parts_are_not_used() {
    let broker = Mosquitto::start(Config::default()).await;
    let mut rig = Rig::start(Link::with(broker.addr()), None);
    rig.becomes([Unused, Unused, Good, Unknown]).await;
    rig.stop().await;
}
