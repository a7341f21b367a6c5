//! What can go wrong, and how often it does.

use rand::Rng;
use rand::rngs::StdRng;

/// One step of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The broker dies and has lost its store.
    BrokerKilled,
    /// The broker is stopped in order and keeps its store.
    BrokerStopped,
    /// The broker is stopped, emptied and started at once.
    BrokerEmptied,
    /// The broker stands still for a moment, connections open.
    BrokerStandsStill,
    /// The broker is installed again: another password, which only the Supervisor knows.
    NewPassword,
    /// Nothing listens where the Supervisor was.
    SupervisorDown,
    /// The Supervisor is starting.
    SupervisorNotReady,
    /// The broker's app is not installed for the moment.
    NoService,
    /// Home Assistant says that it has started.
    Birth,
    /// The camera's port is closed, or open again.
    CameraTurns,
    /// The camera sends one picture again and again, or moves again.
    CameraFreezes,
    /// A camera is added to the options.
    CameraAdded,
    /// One is removed.
    CameraRemoved,
    /// One has another name.
    CameraRenamed,
    /// One is switched off or on.
    CameraDisabled,
    /// Events are posted, whatever else is going on.
    Events,
    /// `kill -9` of the app, and the Supervisor starts it again.
    AppKilled,
    /// The app is stopped in order and started again.
    AppRestarted,
}

/// How often each comes, in parts of the whole. What takes long to see the end of is rarer.
const WEIGHTS: [(Fault, u32); 18] = [
    (Fault::BrokerKilled, 8),
    (Fault::BrokerStopped, 6),
    (Fault::BrokerEmptied, 8),
    (Fault::BrokerStandsStill, 6),
    (Fault::NewPassword, 4),
    (Fault::SupervisorDown, 5),
    (Fault::SupervisorNotReady, 5),
    (Fault::NoService, 4),
    (Fault::Birth, 6),
    (Fault::CameraTurns, 2),
    (Fault::CameraFreezes, 1),
    (Fault::CameraAdded, 6),
    (Fault::CameraRemoved, 6),
    (Fault::CameraRenamed, 5),
    (Fault::CameraDisabled, 5),
    (Fault::Events, 12),
    (Fault::AppKilled, 7),
    (Fault::AppRestarted, 4),
];

impl Fault {
    /// One of them, by its weight.
    pub(crate) fn any(random: &mut StdRng) -> Self {
        let all: u32 = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut drawn = random.random_range(0..all);
        for (fault, weight) in WEIGHTS {
            if drawn < weight {
                return fault;
            }
            drawn -= weight;
        }
        Self::Birth
    }
}
