//! What a session is made with: who we are, what we receive, how we connect, and the time limits.

use std::path::PathBuf;
use std::time::Duration;

use super::lease::Message;
use crate::options::Protocol;
use crate::supervisor::CredentialSource;

/// Who we are to the broker.
#[derive(Debug, Clone)]
pub struct Identity {
    /// See [`client_id`](super::client_id).
    pub client_id: String,
    /// What the broker says for us when we are gone without a word.
    pub will: Option<Message>,
    /// Where scans mark their end; nobody else listens there.
    pub scan_topic: String,
    /// Topics that stand for the ones we write to, to learn whether the broker lets us.
    pub trial_topics: Vec<String>,
}

/// What to receive: live messages of a few words.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The topic filter.
    pub filter: String,
    /// QoS 1; else QoS 0.
    pub at_least_once: bool,
    /// The payloads that mean something; the empty one is the clearing of a topic. Anything else is not heard.
    pub words: &'static [&'static str],
    /// How many different topics and words may wait to be heard.
    pub places: usize,
}

/// The session's time limits.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Time between pings. A dead link is found after twice this at the latest.
    pub keep_alive: Duration,
    /// For each of: resolve, connect, CONNACK, and a write that does not move.
    pub connect: Duration,
    /// How long an acknowledgement may take before the connection is given up.
    pub acknowledge: Duration,
    /// Bound of the first wait after a failure; it doubles.
    pub first_wait: Duration,
    /// Bound of the longest wait.
    pub longest_wait: Duration,
    /// A link that was up this long was a good one: waits start from the first again.
    pub settled: Duration,
    /// How often a broker that does not listen is looked at, so that a long wait ends when it comes back.
    pub look: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(8),
            connect: Duration::from_secs(5),
            acknowledge: Duration::from_secs(15),
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            settled: Duration::from_secs(60),
            look: Duration::from_millis(500),
        }
    }
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where host, user and password come from.
    pub source: CredentialSource,
    /// Which protocol to speak.
    pub protocol: Protocol,
    /// Whom to trust with TLS.
    pub ca_file: Option<PathBuf>,
    /// Time limits.
    pub timing: Timing,
}
