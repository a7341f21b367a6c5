//! What keeps a session going: whoever holds a handle wants the link, and sees its state.

use std::convert::Infallible;

use tokio::sync::{mpsc, watch};

use super::{Lease, LinkState};

/// A hold on the session. Cheap to clone; the session ends when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Handle {
    /// Nothing is ever sent: the channel's end is what counts.
    _hold: mpsc::Sender<Infallible>,
    link: watch::Receiver<LinkState>,
}

impl Handle {
    pub(super) fn new(hold: mpsc::Sender<Infallible>, link: watch::Receiver<LinkState>) -> Self {
        Self { _hold: hold, link }
    }

    /// The link's state, latest wins.
    #[must_use]
    pub fn link(&self) -> watch::Receiver<LinkState> {
        self.link.clone()
    }

    /// The right to send, while the link is up.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        self.link.borrow().lease().cloned()
    }
}
