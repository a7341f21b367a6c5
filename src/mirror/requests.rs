//! What others may ask of the mirror, beside Home Assistant's commands: a bounded channel, so that everything that is said to
//! the broker still goes through one task.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::broker::LinkLost;

/// Requests that wait. People press buttons one at a time.
const REQUESTS: usize = 8;
/// A look through the broker takes a second or two; a broker that plays dead ends it at the latest.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is asked.
#[derive(Debug)]
pub(super) enum Requested {
    Announce,
    Known { done: oneshot::Sender<Vec<String>> },
    Look { done: oneshot::Sender<Result<Retained, RequestError>> },
    Clear { topics: Vec<String>, done: oneshot::Sender<Result<Vec<String>, RequestError>> },
}

/// The retained topics of ours that the broker holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retained {
    /// Those that are to be there.
    pub wanted: BTreeSet<String>,
    /// Those that nobody wants.
    pub ghosts: Vec<String>,
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Too many wait.
    #[error("Camera Herald is busy with earlier requests; try it again in a moment")]
    Busy,
    /// The mirror did not come to it in time.
    #[error("the broker takes too long to answer; try it again in a moment")]
    TooSlow,
    /// The broker.
    #[error("{0}; it works again when the connection is back")]
    Broker(#[from] LinkLost),
    /// We are stopping.
    #[error("Camera Herald is stopping")]
    Stopping,
}

/// A way to ask. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Requests(mpsc::Sender<Requested>);

/// The mirror's end of it.
#[derive(Debug)]
pub struct Asked(mpsc::Receiver<Requested>);

/// A bounded channel of requests.
#[must_use]
pub fn requests() -> (Requests, Asked) {
    let (sender, receiver) = mpsc::channel(REQUESTS);
    (Requests(sender), Asked(receiver))
}

impl Requests {
    /// Asks to announce everything once more, also the devices that the user deleted in Home Assistant. Returns when it is asked, not
    /// when it is done: the watch of [`Announced`](super::Announced) tells that.
    ///
    /// # Errors
    /// [`RequestError`] when it will not be done.
    pub fn announce(&self) -> Result<(), RequestError> {
        self.ask(Requested::Announce)
    }

    /// The topics that may hold a message of ours, as the ledger remembers it: for when the broker cannot be asked.
    ///
    /// # Errors
    /// [`RequestError`] when that is not known.
    pub async fn known(&self) -> Result<Vec<String>, RequestError> {
        let (done, known) = oneshot::channel();
        self.ask(Requested::Known { done })?;
        timeout(PATIENCE, known)
            .await
            .map_err(|_elapsed| RequestError::TooSlow)?
            .map_err(|_dropped| RequestError::Stopping)
    }

    /// Looks which retained topics of ours the broker holds.
    ///
    /// # Errors
    /// [`RequestError`] when that is not known.
    pub async fn look(&self) -> Result<Retained, RequestError> {
        let (done, found) = oneshot::channel();
        self.ask(Requested::Look { done })?;
        answer(found).await
    }

    /// Clears those of the topics that are still of ours and still not wanted, and no other. Returns them when the broker has
    /// acknowledged it.
    ///
    /// # Errors
    /// [`RequestError`] when some may be left.
    pub async fn clear(&self, topics: Vec<String>) -> Result<Vec<String>, RequestError> {
        let (done, cleared) = oneshot::channel();
        self.ask(Requested::Clear { topics, done })?;
        answer(cleared).await
    }

    fn ask(&self, request: Requested) -> Result<(), RequestError> {
        use mpsc::error::TrySendError;
        self.0.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => RequestError::Busy,
            TrySendError::Closed(_) => RequestError::Stopping,
        })
    }
}

async fn answer<T>(done: oneshot::Receiver<Result<T, RequestError>>) -> Result<T, RequestError> {
    match timeout(PATIENCE, done).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_dropped)) => Err(RequestError::Stopping),
        Err(_elapsed) => Err(RequestError::TooSlow),
    }
}

impl Asked {
    /// The next request; `None` when nobody can ask any more.
    pub(super) async fn next(&mut self) -> Option<Requested> {
        self.0.recv().await
    }
}
