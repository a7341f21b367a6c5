//! A short session for one command: connect, do what is wanted, wait for the acknowledgements, leave.

use std::time::Duration;

use tokio::time::timeout;

use super::CommandError;
use crate::app::installation::Installation;
use crate::broker::{BrokerKind, Cause, Handle, Inbox, Lease, LinkState, Session};
use crate::camera::Inventory;
use crate::mirror::ledger::Ledger;
use crate::mirror::{self, Goal};
use crate::store::Store;

/// How long a command waits for the broker. Somebody sits before it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connects as a guest of the installation and reaches the goal for these cameras.
pub(super) async fn reach(installation: &Installation, goal: Goal, inventory: Inventory) -> Result<(), CommandError> {
    let ledger = Ledger::load(Store::open(&installation.environment.data_dir)?).await;
    let (session, handle) = Session::new(installation.session_settings(), installation.guest(), Inbox::new(Vec::new()));
    let work = async move {
        let lease = up(&handle).await?;
        mirror::once(goal, installation.topics(), inventory, ledger, &lease).await?;
        match lease.untaken() {
            0 => Ok(()),
            messages => Err(CommandError::Untaken { messages }),
        }
    };
    // The session ends when the work has dropped the last handle.
    let (outcome, ()) = tokio::join!(work, session.run());
    outcome
}

async fn up(handle: &Handle) -> Result<Lease, CommandError> {
    let mut link = handle.link();
    let up = timeout(PATIENCE, link.wait_for(|link| link.lease().is_some())).await;
    if let Ok(Ok(state)) = up
        && let Some(lease) = state.lease()
    {
        return Ok(lease.clone());
    }
    Err(CommandError::NotConnected(match &*handle.link().borrow() {
        LinkState::Down { cause, .. } => cause.clone(),
        LinkState::Up(_) => Cause::broker(BrokerKind::Timeout, "the link went away again"),
    }))
}
