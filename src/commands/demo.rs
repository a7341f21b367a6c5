//! `camera-herald demo`: the real service with an embedded broker and two simulated cameras, and what Home Assistant
//! would see of it. Invariant: it listens on loopback only, and leaves nothing behind.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{CommandError, blocking, run};
use crate::app::installation::Installation;
use crate::demo::broker::{Broker, Config};
use crate::demo::cameras::{Camera, Scene};
use crate::demo::detector::{Door, Sights};
use crate::demo::device::{Device, Quirks};
use crate::demo::screen::{Screen, Tone};
use crate::demo::{detector, stage, viewer};
use crate::homeassistant::states::OFFLINE;
use crate::logging;
use crate::options::{Environment, LogLevel};

/// Where the page of a real installation is, too.
const PAGE_PORT: u16 = 8099;
/// How long the last messages may take to the viewer.
const FAREWELL: Duration = Duration::from_secs(1);

/// The broker and the cameras.
struct Props {
    broker: Broker,
    front_door: Camera,
    garden: Camera,
    /// The garden camera tells by itself what moves.
    garden_device: Device,
}

/// Runs until it is asked to stop. `overrides` are the `--set` pairs: `log_level` is the useful one.
pub(super) fn command(no_color: bool, overrides: Vec<(String, String)>) -> Result<ExitCode, CommandError> {
    // The viewer tells the story; a warning per turn of it would only say it twice.
    let level = logging::start(LogLevel::Error);
    let dir = tempfile::Builder::new().prefix("camera-herald-demo-").tempdir().map_err(CommandError::Demo)?;
    let place = dir.path().to_owned();
    blocking::serve(|signals| async move {
        let props = Arc::new(Props::start().await.map_err(CommandError::Demo)?);
        let page = page_address().map_err(CommandError::Demo)?;
        let events = free(0).map_err(CommandError::Demo)?;
        let installation = installation(&place, page, events, &props, overrides)?;
        let screen = Screen::new(no_color);
        screen.text(&introduction(&props, page, screen));

        let status = installation.topics().status();
        let mut tasks = play(&props, &installation, screen);
        let ended = run::serve(installation, level, signals).await;
        tasks.stage.shutdown().await;
        props.broker.publish(viewer::END, "", false);
        let _the_viewer_may_be_without_a_broker = timeout(FAREWELL, tasks.viewer.join_next()).await;
        let last_word = match props.broker.retained().get(&status) {
            Some(word) if word == OFFLINE => "Camera Herald said offline before it left.",
            _ => "The broker was away, so Camera Herald could not say offline.",
        };
        props.broker.stop().await;
        screen.text(&format!("\nGoodbye. {last_word} The demo kept nothing."));
        ended
    })
}

impl Props {
    async fn start() -> io::Result<Self> {
        Ok(Self {
            broker: Broker::start(Config::default())?,
            front_door: Camera::start(Scene::FrontDoor)?,
            garden: Camera::start(Scene::Garden)?,
            garden_device: Device::start(Quirks::default()).await?,
        })
    }
}

/// The usual port, or any free one when something has it: an installed Camera Herald, say.
fn page_address() -> io::Result<SocketAddr> {
    free(PAGE_PORT).or_else(|_taken| free(0))
}

/// This port, or any free one for 0.
fn free(port: u16) -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))?.local_addr()
}

/// What a user would have written. The environment and the data dir of this process stay out of it.
fn installation(
    dir: &Path,
    page: SocketAddr,
    events: SocketAddr,
    props: &Props,
    mut overrides: Vec<(String, String)>,
) -> Result<Installation, CommandError> {
    let cameras = json!([
        {
            "name": "Front door", "kind": "doorbell", "snapshot": props.front_door.url(), "area": "Entrance",
            "check_seconds": 5,
        },
        {
            "name": "Garden", "snapshot": props.garden.url(), "host": props.garden_device.addr(), "area": "Garden",
            "check_seconds": 5,
        },
    ]);
    let environment = Environment::from_pairs([
        ("HERALD_DATA_DIR", dir.display().to_string()),
        ("HERALD_INGRESS_LISTEN", page.to_string()),
        ("HERALD_EVENTS_LISTEN", events.to_string()),
        ("HERALD__CAMERAS", cameras.to_string()),
        ("HERALD__LOG_LEVEL", LogLevel::Error.to_string()),
    ]);
    // Last, so that it wins: a demo must never announce to somebody's real broker.
    let broker = props.broker.addr();
    overrides.extend([("mqtt.host".to_owned(), broker.ip().to_string())]);
    overrides.extend([("mqtt.port".to_owned(), broker.port().to_string())]);
    Ok(Installation::load(environment, overrides)?)
}

struct Tasks {
    viewer: JoinSet<()>,
    stage: JoinSet<()>,
}

fn play(props: &Arc<Props>, installation: &Installation, screen: Screen) -> Tasks {
    let topics = &installation.options.topics;
    // In this order, because a camera's states mean nothing before its discovery message.
    let filters = vec![installation.topics().config_filter(), format!("{}/#", topics.base)];
    let (mut viewer, mut stage) = (JoinSet::new(), JoinSet::new());
    viewer.spawn(viewer::watch(props.broker.addr(), filters, topics.birth.clone(), screen));
    let door = Door { addr: installation.environment.events_listen, token: installation.event_token() };
    let seen = props.clone();
    stage.spawn(async move {
        let sights = Sights { front_door: &seen.front_door, garden: &seen.garden, garden_device: &seen.garden_device };
        detector::watch(&door, sights).await;
    });
    let props = props.clone();
    stage.spawn(async move { stage::play(&props.broker, &props.garden, screen).await });
    Tasks { viewer, stage }
}

fn introduction(props: &Props, page: SocketAddr, screen: Screen) -> String {
    let faint = |text: &str| screen.paint(Tone::Faint, text);
    let port = props.broker.addr().port();
    format!(
        "\n\
         Camera Herald, the demo: the real program, with a broker and two cameras made up for it.\n\
         Everything happens on this computer, and nothing stays when it ends.\n\
         \n\
         \x20 Cameras  {front_door}  {pictures}\n\
         \x20          {garden}\n\
         \x20 ONVIF    {device}  {tells}\n\
         \x20 Broker   {broker}  {look}\n\
         \x20 Page     http://{page}/  {look_at_it}\n\
         \n\
         Below is what Home Assistant would see.\n\
         Lines with --- are what the demo does to cameras and broker; the rest is the answer.\n\
         Stop with Ctrl-C. {log}\n",
        front_door = props.front_door.url(),
        pictures = faint("real pictures, moving"),
        garden = props.garden.url(),
        device = props.garden_device.addr(),
        tells = faint("the garden camera tells by itself what moves"),
        broker = props.broker.addr(),
        look = faint(&format!("look inside: mosquitto_sub -p {port} -t '#' -v")),
        look_at_it = faint("open it beside this window: what Home Assistant would show in its sidebar"),
        log = faint("For the program's own log, add --set log_level=info."),
    )
}
