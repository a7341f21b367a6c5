//! `camera-herald check`: every step from the Supervisor to each camera, and what to do about a failure.

use std::process::ExitCode;

use secrecy::ExposeSecret;
use serde::Serialize;
use tokio::task::JoinSet;

use super::blocking::block_on;
use super::{CommandError, quiet, say};
use crate::app::installation::Installation;
use crate::broker::session::check::{log_in, reach};
use crate::camera::{Camera, prober};
use crate::events::door::EventToken;
use crate::events::subscription;
use crate::options::{BrokerOptions, Environment};

/// A picture that can be made is enough.
const WISH: prober::Wish = prober::Wish { picture_limit: 1 << 20, figures: false };

/// The result of a whole check.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// In the order in which they depend on one another.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What was tried: `supervisor`, `mqtt_service`, `tcp`, `connect`, `camera front_door` …
    pub name: String,
    /// `None` when an earlier step failed and this one makes no sense.
    pub ok: Option<bool>,
    /// What was found, or what is wrong and what to do.
    pub text: String,
}

impl CheckReport {
    /// Did every step succeed?
    #[must_use]
    pub fn ok(&self) -> bool {
        self.steps.iter().all(|step| step.ok == Some(true))
    }
}

impl Step {
    fn new(name: impl Into<String>, outcome: Result<String, String>) -> Self {
        let ok = Some(outcome.is_ok());
        Self { name: name.into(), ok, text: outcome.unwrap_or_else(|problem| problem) }
    }

    fn skipped(name: impl Into<String>) -> Self {
        Self { name: name.into(), ok: None, text: "not tried, because an earlier step failed".to_owned() }
    }
}

/// Tries everything once.
///
/// # Errors
/// [`CommandError::InsideRuntime`] when called inside a runtime. Failures of steps are in the report.
pub fn check(installation: &Installation) -> Result<CheckReport, CommandError> {
    block_on(check_async(installation))
}

/// [`check`] for callers inside a runtime.
pub async fn check_async(installation: &Installation) -> CheckReport {
    let mut steps = Vec::new();
    if let Some(supervisor) = installation.supervisor() {
        let outcome = supervisor.info().await.map_err(|error| error.to_string());
        let found = |system: crate::supervisor::SystemInfo| {
            format!("version {}", system.supervisor.as_deref().unwrap_or("unknown"))
        };
        steps.push(Step::new("supervisor", outcome.map(found)));
    }
    steps.extend(broker(installation).await);
    let clients = prober::Clients::new();
    for camera in &installation.inventory() {
        steps.push(see(&clients, camera).await);
        steps.extend(hear(camera).await);
    }
    CheckReport { steps }
}

async fn broker(installation: &Installation) -> Vec<Step> {
    let settings = installation.session_settings();
    let found = settings.source.get().await.map_err(|error| error.to_string());
    let address = |broker: &BrokerOptions| format!("{}:{}", broker.host, broker.port);
    let source = settings.source.describe();
    let mut steps = vec![Step::new(
        "mqtt_service",
        found.as_ref().map(|b| format!("{} from {source}", address(b))).map_err(Clone::clone),
    )];
    let Ok(broker) = found else {
        steps.extend([Step::skipped("tcp"), Step::skipped("connect")]);
        return steps;
    };
    match reach(&settings, &broker).await {
        Err(cause) => steps.extend([Step::new("tcp", Err(cause.text)), Step::skipped("connect")]),
        Ok(()) => {
            steps.push(Step::new("tcp", Ok(format!("{} takes connections", address(&broker)))));
            let outcome = log_in(&settings, &installation.visitor(), &broker).await;
            steps.push(Step::new("connect", outcome.map_err(|cause| cause.text).and_then(judge)));
        }
    }
    steps
}

fn judge(granted: crate::broker::session::check::Granted) -> Result<String, String> {
    if granted.refused_topics.is_empty() {
        return Ok(format!("MQTT {}, packets up to {} bytes", granted.protocol, granted.max_packet));
    }
    let topics = granted.refused_topics.join(" and ");
    Err(format!("the broker's access rules forbid {topics}; allow Camera Herald's user to write there"))
}

async fn see(clients: &prober::Clients, camera: &Camera) -> Step {
    let name = format!("camera {}", camera.id);
    if camera.is_push_only() {
        return Step::new(name, Ok("sends events only; there is nothing to try".to_owned()));
    }
    // On a task of its own: a stream that makes the RTSP crate panic is this camera's failure and no more.
    let mut probe = JoinSet::new();
    let (clients, probed) = (clients.clone(), camera.clone());
    probe.spawn(async move { prober::probe(&clients, &probed, WISH).await });
    let outcome = match probe.join_next().await {
        Some(Ok(outcome)) => outcome.map_err(|failure| failure.detail),
        _ => Err("the stream could not be read: the probe panicked; please report this camera's model".to_owned()),
    };
    Step::new(
        name,
        outcome.map(|seen| {
            let resolution = seen.resolution.map(|(width, height)| format!(" {width}x{height}")).unwrap_or_default();
            format!(
                "{}{resolution}, first picture after {} ms",
                seen.codec.as_deref().unwrap_or("picture"),
                seen.latency.as_millis()
            )
        }),
    )
}

/// Whether the camera's own events could be heard. Makes no subscription: some cameras have one place, and the service holds it.
async fn hear(camera: &Camera) -> Option<Step> {
    let host = camera.host.as_ref().filter(|_| camera.own_events)?;
    let outcome = subscription::check(host, camera.credentials.as_ref()).await;
    Some(Step::new(format!("events {}", camera.id), outcome.map_err(|failure| failure.detail)))
}

pub(super) fn command(
    environment: Environment,
    overrides: Vec<(String, String)>,
    json: bool,
) -> Result<ExitCode, CommandError> {
    let installation = quiet(environment, overrides)?;
    let report = check(&installation)?;
    if json {
        say(&serde_json::to_string_pretty(&report).expect("texts and booleans are JSON"));
    } else {
        report.steps.iter().for_each(|step| say(&line(step)));
        say(&format!("event token: {}", event_token(&installation)));
    }
    Ok(if report.ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The one place that shows it: somebody who can run this can read the file, too. Looking makes none, which nobody would keep.
fn event_token(installation: &Installation) -> String {
    match EventToken::look_up(&installation.environment.data_dir) {
        Ok(Some(token)) => token.secret().expose_secret().to_owned(),
        Ok(None) => "none yet; the first start makes it".to_owned(),
        Err(error) => format!("cannot be read ({error})"),
    }
}

fn line(step: &Step) -> String {
    let mark = match step.ok {
        Some(true) => "ok  ",
        Some(false) => "FAIL",
        None => "-   ",
    };
    format!("{mark} {:<22} {}", step.name, step.text)
}
