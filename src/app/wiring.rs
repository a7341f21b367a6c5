//! The composition root: the only file that names both ends of any channel.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::app::installation::Installation;
use crate::app::tasks::Tasks;
use crate::broker::{Inbox, LinkState, Session};
use crate::camera::prober::{self, ProbeRequest};
use crate::camera::{Hearings, Inventory, LastProbes, Pictures, ProbeFigures, Recorder, Statuses, Timelines, tracker};
use crate::chain;
use crate::courier::{self, Courier};
use crate::events::door::{self, CurrentToken, Doors, Submission, Tally};
use crate::events::outbox::{self, Histories, Keeper, Outbox};
use crate::events::subscription;
use crate::homeassistant::{Owner, Presence, heard};
use crate::mirror::{self, Announced, Mirror, Requests, ledger::Ledger};
use crate::options::Options;
use crate::store::Store;
use crate::web::feeds::Feeds;
use crate::web::page;
use crate::web::port::{self, Access};

/// Reports that wait for the tracker: more than probes run at once.
const REPORTS: usize = 16;
/// Events that wait for the outbox: more than it takes in one transaction.
const SUBMISSIONS: usize = 512;
/// Requests that wait for the prober.
const PROBE_REQUESTS: usize = 16;

/// The tasks, and what their owner holds of them.
pub(super) struct Wired {
    pub(super) tasks: Tasks,
    pub(super) sources: CancellationToken,
    pub(super) inventory: watch::Sender<Inventory>,
    pub(super) options: watch::Sender<Arc<Options>>,
}

/// Builds everything and starts it.
pub(super) async fn wire(installation: &Installation, store: Store) -> Wired {
    let mut tasks = Tasks::default();
    let stop = CancellationToken::new();
    let (inventory, inventory_seen) = watch::channel(installation.inventory());
    let (options, options_seen) = watch::channel(Arc::new(installation.options.clone()));

    let cameras = cameras(&mut tasks, &store, &inventory_seen, &stop);
    let events = events(&mut tasks, installation, &store, &inventory_seen, &cameras, &stop);
    let told = home_assistant(&mut tasks, installation, store, &inventory_seen, &cameras, &events).await;
    let (look, looks) = mpsc::channel(1);
    let chain = chain(&mut tasks, installation, &told, looks, &stop);

    let feeds = Feeds {
        started: Timestamp::now(),
        app_mode: installation.environment.app_mode(),
        events_listen: installation.environment.events_listen,
        topics: installation.topics(),
        options: options_seen,
        inventory: inventory_seen,
        statuses: cameras.statuses,
        probes: cameras.probes,
        probe_figures: cameras.figures,
        timelines: cameras.timelines,
        pictures: cameras.pictures,
        histories: events.histories,
        hearings: events.hearings,
        outbox: events.outbox,
        tally: events.tally,
        link: told.link,
        link_history: chain.history,
        chain: chain.chain,
        surroundings: chain.surroundings,
        presence: told.presence,
        page_seen: told.page_seen,
        announced: told.announced,
        dismissed: told.dismissed,
        mirror: told.requests,
        prober: cameras.requests,
        token: events.token,
        look,
        stop: stop.clone(),
    };
    let access = Access::new(feeds.app_mode);
    let listen = installation.environment.ingress_listen;
    let (pages, renderer) = page::new(feeds.clone());
    tasks.spawn("page", port::serve(listen, access, feeds, pages, stop.clone()));
    tasks.spawn("renderer", renderer.run());
    Wired { tasks, sources: stop, inventory, options }
}

/// What the cameras show.
struct Cameras {
    statuses: watch::Receiver<Statuses>,
    pictures: watch::Receiver<Pictures>,
    probes: watch::Receiver<LastProbes>,
    figures: Arc<ProbeFigures>,
    timelines: watch::Receiver<Timelines>,
    requests: mpsc::Sender<ProbeRequest>,
}

/// Prober, tracker, and the recorder of their timelines.
fn cameras(
    tasks: &mut Tasks,
    store: &Store,
    inventory: &watch::Receiver<Inventory>,
    stop: &CancellationToken,
) -> Cameras {
    let (reports, reported) = mpsc::channel(REPORTS);
    let (requests, requested) = mpsc::channel(PROBE_REQUESTS);
    let told = tracker::Told::default();
    let statuses = told.statuses.subscribe();
    let (recorder, timelines) = Recorder::new(store.clone(), inventory.clone(), statuses.clone());
    let cameras = Cameras {
        statuses,
        pictures: told.pictures.subscribe(),
        probes: told.probes.subscribe(),
        figures: told.figures.clone(),
        timelines,
        requests,
    };
    tasks.spawn("prober", prober::run(inventory.clone(), requested, reports, stop.clone()));
    tasks.spawn("tracker", tracker::run(inventory.clone(), reported, told));
    tasks.spawn("recorder", recorder.run());
    cameras
}

/// What comes in by the doors and from the cameras themselves.
struct Events {
    outbox: Outbox,
    hearings: watch::Receiver<Hearings>,
    histories: watch::Receiver<Histories>,
    token: CurrentToken,
    tally: Arc<Tally>,
}

/// Doors, subscriptions and outbox.
fn events(
    tasks: &mut Tasks,
    installation: &Installation,
    store: &Store,
    inventory: &watch::Receiver<Inventory>,
    cameras: &Cameras,
    stop: &CancellationToken,
) -> Events {
    let (submissions, submitted) = mpsc::channel::<Submission>(SUBMISSIONS);
    let settings = outbox::Settings::new(&installation.options.events, TimeZone::system());
    let (keeper, outbox, histories) = Keeper::new(store.clone(), settings, inventory.clone());
    let token = CurrentToken::new(installation.event_token(), &installation.environment.data_dir);
    let (listening, hearings) = subscription::Keeper::new(subscription::Sources {
        inventory: inventory.clone(),
        store: store.clone(),
        outbox: submissions.clone(),
        pictures: cameras.requests.clone(),
    });
    let doors = Doors::new(inventory.clone(), token.watch(), submissions);
    let tally = doors.tally();
    tasks.spawn("outbox", keeper.run(submitted));
    tasks.spawn("doors", door::serve(installation.environment.events_listen, doors, stop.clone()));
    tasks.spawn("subscriptions", listening.run(stop.clone()));
    Events { outbox, hearings, histories, token, tally }
}

/// What Home Assistant is told, and what is heard of it.
struct HomeAssistant {
    link: watch::Receiver<LinkState>,
    announced: watch::Receiver<Option<Announced>>,
    dismissed: watch::Receiver<BTreeSet<Owner>>,
    presence: watch::Receiver<Presence>,
    page_seen: Arc<Notify>,
    requests: Requests,
}

/// Session, mirror and courier. The handles on the session are theirs alone: it ends when they do.
async fn home_assistant(
    tasks: &mut Tasks,
    installation: &Installation,
    store: Store,
    inventory: &watch::Receiver<Inventory>,
    cameras: &Cameras,
    events: &Events,
) -> HomeAssistant {
    let topics = installation.topics();
    let inbox = Inbox::new(heard::subscriptions(&topics));
    let (session, handle) = Session::new(installation.session_settings(), installation.identity(), inbox.clone());
    let link = handle.link();
    let courier_gone = CancellationToken::new();
    let (requests, asked) = mirror::requests();
    let (presence, presence_seen) = watch::channel(Presence::default());
    let page_seen = Arc::new(Notify::new());
    let (adopted, adopted_seen) = watch::channel(0);
    let sources = mirror::Sources {
        inventory: inventory.clone(),
        statuses: cameras.statuses.clone(),
        histories: events.histories.clone(),
        hearings: events.hearings.clone(),
        outbox: events.outbox.clone(),
        inbox,
        probes: cameras.requests.clone(),
        requests: asked,
        page_seen: page_seen.clone(),
        presence,
        adopted: adopted_seen,
    };
    let ledger = Ledger::load(store).await;
    let (mirror, announced, dismissed) = Mirror::new(topics, handle.clone(), sources, ledger, courier_gone.clone());
    let sources = courier::Sources {
        inventory: inventory.clone(),
        histories: events.histories.clone(),
        pictures: cameras.pictures.clone(),
        announced: announced.clone(),
        presence: presence_seen.clone(),
        outbox: events.outbox.clone(),
        adopted,
    };
    let courier = Courier::new(installation.topics(), handle, sources, installation.options.events.stale_after);
    tasks.spawn("session", session.run());
    tasks.spawn("mirror", mirror.run());
    tasks.spawn("courier", async move {
        let _says_so_when_it_is_gone = courier_gone.drop_guard();
        courier.run().await;
    });
    HomeAssistant { link, announced, dismissed, presence: presence_seen, page_seen, requests }
}

/// The keeper of the chain.
fn chain(
    tasks: &mut Tasks,
    installation: &Installation,
    home_assistant: &HomeAssistant,
    looks: mpsc::Receiver<()>,
    stop: &CancellationToken,
) -> chain::Told {
    let app_mode = installation.environment.app_mode();
    let (keeper, told) = chain::Keeper::new(chain::Sources {
        app_mode,
        uses_service: app_mode && installation.options.mqtt.broker.is_none(),
        supervisor: installation.supervisor(),
        link: home_assistant.link.clone(),
        presence: home_assistant.presence.clone(),
        looks,
    });
    tasks.spawn("chain", keeper.run(stop.clone()));
    told
}
