//! The event token that counts now, and how it is exchanged for a new one.
//!
//! Doors and page read the same watch channel, so a new token counts for all of them at once, and the old one for none.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::EventToken;

/// The token that counts now. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CurrentToken {
    token: watch::Sender<EventToken>,
    data_dir: Arc<Path>,
    /// Two rotations at once would leave one token in the file and the other at the doors.
    turn: Arc<Mutex<()>>,
}

impl CurrentToken {
    /// `token` counts, and the next ones are kept in this data dir.
    #[must_use]
    pub fn new(token: EventToken, data_dir: &Path) -> Self {
        Self { token: watch::Sender::new(token), data_dir: data_dir.into(), turn: Arc::default() }
    }

    /// The token that counts now.
    #[must_use]
    pub fn get(&self) -> EventToken {
        self.token.borrow().clone()
    }

    /// The same, with news of the next one.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<EventToken> {
        self.token.subscribe()
    }

    /// Makes a new token. When it returns, the new one is on disk and the old one is refused. Goes through to its end, also when
    /// nobody waits for it any more.
    ///
    /// # Errors
    /// When the data dir cannot be written. Then nothing has changed.
    pub async fn rotate(&self) -> io::Result<EventToken> {
        let this = self.clone();
        let rotated = spawn_blocking(move || {
            let _turn = this.turn.lock().unwrap_or_else(PoisonError::into_inner);
            let token = EventToken::renew(&this.data_dir)?;
            this.token.send_replace(token.clone());
            Ok(token)
        });
        let token = rotated.await.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))?;
        tracing::info!("Made a new event token; the old one is refused from now on");
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    fn current(dir: &Path) -> CurrentToken {
        CurrentToken::new(EventToken::load(dir).unwrap(), dir)
    }

    #[tokio::test]
    async fn a_new_token_counts_at_once_and_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let current = current(dir.path());
        let (old, doors) = (current.get(), current.watch());
        let new = current.rotate().await.unwrap();
        assert!(!new.is(old.secret().expose_secret()));
        assert!(doors.borrow().is(new.secret().expose_secret()));
        assert!(EventToken::load(dir.path()).unwrap().is(new.secret().expose_secret()));
        let mode = fs::metadata(dir.path().join("event_token")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing unfinished is left");
    }

    #[tokio::test]
    async fn a_token_that_cannot_be_kept_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let current = current(dir.path());
        let old = current.get();
        // Something that no file can take the place of.
        fs::create_dir(dir.path().join("event_token.new")).unwrap();
        assert!(current.rotate().await.is_err());
        assert!(current.get().is(old.secret().expose_secret()));
        assert!(EventToken::load(dir.path()).unwrap().is(old.secret().expose_secret()));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_many_rotations_at_once_the_last_is_the_one_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let current = current(dir.path());
        let all = futures_util::future::join_all((0..8).map(|_| current.rotate())).await;
        assert!(all.iter().all(Result::is_ok));
        let kept = EventToken::load(dir.path()).unwrap();
        assert!(kept.is(current.get().secret().expose_secret()));
    }
}
