//! A short session for one command: connect, work, wait for the acknowledgements, leave.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use super::CommandError;
use crate::app::installation::Installation;
use crate::broker::{BrokerKind, Cause, Handle, LinkState, Session};

/// How long a command waits for the broker. Somebody sits before it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connects as a guest of the installation and gives the handle to `work`.
pub(super) async fn connected<T, F, W>(installation: &Installation, work: F) -> Result<T, CommandError>
where
    F: FnOnce(Handle) -> W,
    W: Future<Output = Result<T, CommandError>>,
{
    let (session, handle, _inbound) = Session::new(installation.session_settings(), installation.guest(), Vec::new());
    let work = async move {
        wait_until_up(&handle).await?;
        work(handle).await
    };
    // The session ends when the work has dropped the last handle.
    let (outcome, ()) = tokio::join!(work, session.run());
    outcome
}

async fn wait_until_up(handle: &Handle) -> Result<(), CommandError> {
    let mut link = handle.link();
    let up = timeout(PATIENCE, link.wait_for(|link| matches!(link, LinkState::Up(_)))).await;
    match up {
        Ok(Ok(_up)) => Ok(()),
        _ => Err(CommandError::NotConnected(match &*handle.link().borrow() {
            LinkState::Down { cause, .. } => cause.clone(),
            LinkState::Up(_) => Cause::broker(BrokerKind::Timeout, "the link went away again"),
        })),
    }
}
