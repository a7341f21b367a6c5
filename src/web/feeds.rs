//! Everything that can be looked at while the program runs, and everything that can be asked of it: what the page, the metrics and the
//! diagnostics are made from.
//!
//! Nothing in here keeps a task alive: all of it is watch receivers, senders of requests, and handles that end with their task.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::broker::LinkState;
use crate::camera::prober::ProbeRequest;
use crate::camera::{Hearings, Inventory, LastProbes, Pictures, ProbeFigures, Statuses, Timelines};
use crate::chain::{Chain, LinkHistory, Surroundings};
use crate::events::door::{CurrentToken, Tally};
use crate::events::outbox::{Histories, Outbox};
use crate::homeassistant::{Owner, Presence, Topics};
use crate::mirror::{Announced, Requests};
use crate::options::Options;

/// All of it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Feeds {
    /// When this run began.
    pub started: Timestamp,
    /// The Supervisor started us.
    pub app_mode: bool,
    /// Where the doors for events listen.
    pub events_listen: SocketAddr,
    /// Every topic.
    pub topics: Topics,
    /// The options as they were read last, with the cameras that are switched off.
    pub options: watch::Receiver<Arc<Options>>,
    /// The cameras that are switched on.
    pub inventory: watch::Receiver<Inventory>,
    /// Their statuses.
    pub statuses: watch::Receiver<Statuses>,
    /// What their newest probes came to.
    pub probes: watch::Receiver<LastProbes>,
    /// Counts of probes.
    pub probe_figures: Arc<ProbeFigures>,
    /// The last 24 hours of their statuses.
    pub timelines: watch::Receiver<Timelines>,
    /// Their newest pictures.
    pub pictures: watch::Receiver<Pictures>,
    /// What their events say.
    pub histories: watch::Receiver<Histories>,
    /// Whether their own events are heard.
    pub hearings: watch::Receiver<Hearings>,
    /// Events of the past, and how many wait.
    pub outbox: Outbox,
    /// Counts of events at the doors.
    pub tally: Arc<Tally>,
    /// The link to the broker.
    pub link: watch::Receiver<LinkState>,
    /// How it changed.
    pub link_history: watch::Receiver<LinkHistory>,
    /// The chain from the Supervisor to Home Assistant.
    pub chain: watch::Receiver<Chain>,
    /// What the Supervisor told.
    pub surroundings: watch::Receiver<Surroundings>,
    /// What is heard of Home Assistant. A page that it shows is a sign of life.
    pub presence: watch::Receiver<Presence>,
    /// Told when somebody looks at the page through Home Assistant: it is there.
    pub page_seen: Arc<Notify>,
    /// What was announced last.
    pub announced: watch::Receiver<Option<Announced>>,
    /// Devices that the user deleted in Home Assistant.
    pub dismissed: watch::Receiver<BTreeSet<Owner>>,
    /// Announce again, look for ghosts, clear them.
    pub mirror: Requests,
    /// Probe now.
    pub prober: mpsc::Sender<ProbeRequest>,
    /// The event token.
    pub token: CurrentToken,
    /// Somebody looks at the page: the Supervisor is asked again if its answer is old. `try_send`; one that waits is enough.
    pub look: mpsc::Sender<()>,
    /// Cancelled at a stop: streams to the browser end then.
    pub stop: CancellationToken,
}
