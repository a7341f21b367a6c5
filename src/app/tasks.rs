//! Tasks with names in one set, and the drain with its deadline.
//!
//! A task that ends early or panics is a fault that is never hidden: its name is told, so that the rest can drain and the process end
//! with 1, for its environment to start it again.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::timeout;

/// The whole drain, with a dead broker too. The Supervisor kills after 10 s.
const DRAIN: Duration = Duration::from_millis(4_500);

/// Tasks with names, in one set.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    set: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// Runs a task under a name.
    pub(crate) fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.set.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits for the next task to end and names it. `None` when there is none left.
    pub(crate) async fn next_end(&mut self) -> Option<&'static str> {
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

    /// Waits until all tasks have ended by themselves, at most for the drain's deadline; then cuts off what is left. Returns whether
    /// everything was finished.
    pub(crate) async fn drain(&mut self) -> bool {
        let all = async {
            while let Some(task) = self.next_end().await {
                tracing::debug!(task, "Ended");
            }
        };
        // What stands still here would keep the Supervisor from stopping us: the broker speaks our will then.
        let whole = timeout(DRAIN, all).await.is_ok();
        if !whole {
            let mut left: Vec<_> = self.names.values().copied().collect();
            left.sort_unstable();
            tracing::warn!(tasks = ?left, "Not everything could be finished before stopping");
            self.set.abort_all();
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_drain_ends_with_the_last_task_or_at_its_deadline() {
        let mut tasks = Tasks::default();
        tasks.spawn("quick", tokio::time::sleep(Duration::from_secs(1)));
        assert!(tasks.drain().await);
        let began = Instant::now();
        tasks.spawn("stuck", std::future::pending());
        assert!(!tasks.drain().await);
        assert_eq!(began.elapsed(), DRAIN);
    }

    #[tokio::test]
    async fn a_task_that_panics_is_named() {
        let mut tasks = Tasks::default();
        tasks.spawn("clumsy", async { panic!("on purpose") });
        assert_eq!(tasks.next_end().await, Some("clumsy"));
        assert_eq!(tasks.next_end().await, None);
    }
}
