//! Waiting before the next try: for the time to pass, for the broker's port to open, or for other credentials.

use std::time::Duration;

use tokio::time::sleep;

use super::dial;
use super::error::SessionError;
use super::reconnect::{LinkError, Reconnect};
use crate::broker::settings::{Settings, Timing};
use crate::options::BrokerOptions;

/// Waits before the next try. A broker that does not listen is looked at meanwhile, and the source is heard: its coming back, or other
/// credentials, end the wait.
pub(super) async fn wait(settings: &Settings, reconnect: &mut Reconnect, error: &LinkError) {
    let pause = reconnect.pause(error);
    let returns = returns(&settings.timing, reconnect.broker.clone(), error);
    tokio::select! {
        () = sleep(pause) => {}
        () = returns => {}
        () = other_credentials(settings, reconnect, error) => {}
    }
}

/// Ends when the source tells other credentials than those that were tried.
async fn other_credentials(settings: &Settings, reconnect: &mut Reconnect, error: &LinkError) {
    loop {
        let answer = match error {
            LinkError::Broker(SessionError::Credentials) => reconnect.question.next_answer(&settings.source).await,
            _ => reconnect.question.answer().await,
        };
        if reconnect.hear(answer) {
            return;
        }
    }
}

/// Ends when a broker that does not listen does so again.
async fn returns(timing: &Timing, broker: Option<BrokerOptions>, error: &LinkError) {
    match (error, broker) {
        (LinkError::Broker(error), Some(broker)) if error.ends_when_the_port_answers() => {
            comes_back(timing.look, &broker, error.says_the_port_is_closed()).await;
        }
        _ => std::future::pending().await,
    }
}

/// Ends when the broker's port did not answer and then did.
async fn comes_back(look: Duration, broker: &BrokerOptions, mut was_away: bool) {
    loop {
        match dial::open(broker, look).await.is_ok() {
            true if was_away => return,
            true => {}
            false => was_away = true,
        }
        sleep(look).await;
    }
}
