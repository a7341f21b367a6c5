//! The life of the process: named tasks, signals, the drain and its deadline.
//!
//! A task that ends early or panics is a fault that is never hidden: the rest drains and the process ends with 1, so
//! that its environment can start it again.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_tokio::Signals;
use tokio::task::{Id, JoinSet};
use tokio::time::timeout;

/// The whole drain, with a dead broker too. The Supervisor kills after 10 s.
const DRAIN: Duration = Duration::from_millis(4_500);

/// Files and connections that may be open at once, when the system lets us choose: every camera, sender and page has one.
const OPEN_FILES: u64 = 8_192;

/// Asks the system for more open files than it gives unasked. Home Assistant's gives 1,024, which a house full of open pages and
/// senders would use up, and then no camera could be reached (`docs/decisions/0011-open-files.md`).
pub fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES));
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        tracing::warn!(%error, "The system gives no more open files; hundreds of open pages may keep cameras from being reached");
    }
}

/// Tasks with names, in one set.
#[derive(Debug, Default)]
pub struct Tasks {
    set: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

/// What the outside asks of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// SIGTERM or SIGINT: stop in order.
    Stop,
    /// SIGHUP: read the options again.
    Reload,
}

/// The signals of the process, as a stream.
pub struct Asks {
    signals: Signals,
}

/// How a drain went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every task ended by itself.
    Whole,
    /// The time was up; what was left was cut off.
    CutOff,
    /// A second signal: at once.
    Hurried,
}

impl Tasks {
    /// Runs a task under a name.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.set.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits for the next task to end and names it. `None` when there is none left.
    pub async fn next_end(&mut self) -> Option<&'static str> {
        let (id, panicked) = match self.set.join_next_with_id().await? {
            Ok((id, ())) => (id, None),
            Err(error) => (error.id(), error.is_panic().then_some(error)),
        };
        let name = self.names.remove(&id).unwrap_or("a task");
        if let Some(error) = panicked {
            tracing::error!(task = name, %error, "A task panicked");
        }
        Some(name)
    }

    /// Waits until all tasks have ended, at most for the drain's deadline or until a second request to stop.
    pub async fn drain(&mut self, asks: &mut Asks) -> Drained {
        let all = async {
            while let Some(task) = self.next_end().await {
                tracing::debug!(task, "Ended");
            }
        };
        let outcome = tokio::select! {
            outcome = timeout(DRAIN, all) => if outcome.is_ok() { Drained::Whole } else { Drained::CutOff },
            () = asks.stop() => Drained::Hurried,
        };
        if outcome != Drained::Whole {
            let mut left: Vec<_> = self.names.values().copied().collect();
            left.sort_unstable();
            tracing::warn!(tasks = ?left, "Not everything could be finished before stopping");
            self.set.abort_all();
        }
        outcome
    }
}

impl Asks {
    /// Takes over the process's signals. Call it before anything slow: until then SIGTERM has no handler.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self { signals: Signals::new([SIGTERM, SIGINT, SIGHUP])? })
    }

    /// The next request.
    pub async fn next(&mut self) -> Ask {
        match self.signals.next().await {
            Some(SIGHUP) => Ask::Reload,
            Some(_) => Ask::Stop,
            None => std::future::pending().await,
        }
    }

    /// The next request to stop; a reload meanwhile is passed over.
    pub async fn stop(&mut self) {
        while self.next().await != Ask::Stop {}
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::*;

    #[test]
    fn more_open_files_are_asked_for_and_never_fewer() {
        let maximum = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current: Some(300), maximum }).unwrap();
        raise_open_files();
        let raised = getrlimit(Resource::Nofile);
        assert_eq!(raised.maximum, maximum);
        assert_eq!(raised.current, Some(maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES))));
        if maximum.is_none_or(|maximum| maximum > OPEN_FILES) {
            let more = Rlimit { current: Some(OPEN_FILES + 1), maximum };
            setrlimit(Resource::Nofile, more).unwrap();
            raise_open_files();
            assert_eq!(getrlimit(Resource::Nofile).current, Some(OPEN_FILES + 1));
        }
    }
}
