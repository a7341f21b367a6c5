//! How the link to the broker changed: the newest changes, for the diagnostics. Pure.

use jiff::Timestamp;

use crate::broker::{CauseKind, LinkState};

/// Changes that are kept.
pub const KEPT: usize = 50;

/// The link changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LinkChange {
    /// When it was noticed.
    pub at: Timestamp,
    /// The epoch, when it came up.
    pub epoch: Option<u64>,
    /// The kind of its cause, when it went down.
    pub cause: Option<CauseKind>,
    /// The broker when it came up; what is wrong and what to do when it went down.
    pub text: String,
}

/// How the link changed. Travels by a watch channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkHistory {
    /// The newest changes, oldest first.
    pub changes: Vec<LinkChange>,
    /// Connections since the start: the newest epoch.
    pub connections: u64,
}

/// Adds a state, if it is another one. A broker that is waited for with the same cause is not news.
pub(super) fn add(history: &mut LinkHistory, state: &LinkState, now: Timestamp) -> bool {
    history.connections = state.epoch().unwrap_or(history.connections);
    let changes = &mut history.changes;
    let change = match state {
        LinkState::Up(up) => {
            let text = format!("{}, MQTT {}", up.broker, up.protocol);
            LinkChange { at: up.since, epoch: Some(up.epoch), cause: None, text }
        }
        LinkState::Down { cause, .. } => {
            LinkChange { at: now, epoch: None, cause: Some(cause.kind), text: cause.text.clone() }
        }
    };
    if changes.last().is_some_and(|last| (last.epoch, last.cause) == (change.epoch, change.cause)) {
        return false;
    }
    if changes.len() == KEPT {
        changes.remove(0);
    }
    changes.push(change);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::{BrokerKind, Cause};

    fn down(kind: BrokerKind) -> LinkState {
        LinkState::Down { cause: Cause::broker(kind, "no"), since: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn the_newest_changes_are_kept_and_repetitions_are_none() {
        let mut history = LinkHistory::default();
        assert!(add(&mut history, &down(BrokerKind::Refused), Timestamp::UNIX_EPOCH));
        assert!(!add(&mut history, &down(BrokerKind::Refused), Timestamp::UNIX_EPOCH));
        for round in 0..KEPT {
            let kind = if round % 2 == 0 { BrokerKind::Dns } else { BrokerKind::Auth };
            assert!(add(&mut history, &down(kind), Timestamp::UNIX_EPOCH));
        }
        assert_eq!(history.changes.len(), KEPT);
        assert_eq!(history.changes[0].cause, Some(CauseKind::Broker(BrokerKind::Dns)), "the oldest is gone");
    }
}
