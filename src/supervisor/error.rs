//! What can go wrong when the Supervisor is asked. Every variant is another next move for the user or for the caller.

use std::time::Duration;

use super::SupervisorKind;

/// Why the Supervisor did not give what was asked for. Holds no secret and nothing of an answer's data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SupervisorError {
    /// No broker has registered: none is installed, or it is just starting.
    #[error(
        "no MQTT broker has registered with the Supervisor: install and start the Mosquitto broker app, or set mqtt.host \
         in the options; a broker that is starting appears by itself"
    )]
    ServiceNotEnabled,
    /// The Supervisor starts or stops.
    #[error("the Supervisor is not ready (state {state}): it is starting or stopping, nothing is to be done")]
    NotReady {
        /// The state it reports, such as `setup`.
        state: String,
    },
    /// The app's `config.yaml` does not ask for what was requested.
    #[error(
        "the Supervisor gives this app no access to the MQTT service: its config.yaml lacks `services: [\"mqtt:want\"]`; \
         reinstall the app, and report this"
    )]
    NoAccess,
    /// The token is missing, old, or not meant for this path.
    #[error("the Supervisor refuses this app's token: restart the app, a new token is made at each start")]
    TokenRefused,
    /// There is no connection.
    #[error("the Supervisor cannot be reached: {what}; it may be updating, nothing is to be done unless this lasts")]
    Unreachable {
        /// What happened to the connection.
        what: &'static str,
    },
    /// No answer came in time.
    #[error("the Supervisor did not answer within {} s; it may be busy, nothing is to be done unless this lasts", after.as_secs_f32())]
    Timeout {
        /// How long was waited.
        after: Duration,
    },
    /// The connection ended before the answer did.
    #[error("the Supervisor's answer ended early; it was probably restarted, nothing is to be done unless this lasts")]
    CutOff,
    /// Something answered that does not speak the Supervisor's language.
    #[error("the answer is not the Supervisor's (no JSON): is HERALD_SUPERVISOR_URL right?")]
    NotJson,
    /// JSON, but not what is documented.
    #[error("the Supervisor's answer was not understood: {what}; update the app or the Supervisor, and report this")]
    Malformed {
        /// Which part.
        what: &'static str,
    },
    /// The Supervisor has a fault of its own.
    #[error("the Supervisor failed (status {status}): see its log under Settings, System, Logs")]
    Server {
        /// The HTTP status, 500 to 599.
        status: u16,
    },
    /// A refusal that is not foreseen here.
    #[error("the Supervisor answered with status {status} ({message}), which was not expected; please report this")]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// The Supervisor's own words, shortened, when it had any.
        message: String,
    },
}

/// How soon it makes sense to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// With the usual backoff: it will pass.
    Normal,
    /// Rarely: nothing changes before somebody acts.
    Slow,
}

impl SupervisorError {
    /// How soon it makes sense to ask again.
    #[must_use]
    pub fn patience(&self) -> Patience {
        match self {
            Self::NoAccess | Self::TokenRefused => Patience::Slow,
            _ => Patience::Normal,
        }
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn kind(&self) -> SupervisorKind {
        match self {
            Self::ServiceNotEnabled => SupervisorKind::ServiceNotEnabled,
            Self::NotReady { .. } => SupervisorKind::NotReady,
            Self::NoAccess => SupervisorKind::NoAccess,
            Self::TokenRefused => SupervisorKind::TokenRefused,
            Self::Unreachable { .. } => SupervisorKind::Unreachable,
            Self::Timeout { .. } => SupervisorKind::Timeout,
            Self::CutOff => SupervisorKind::CutOff,
            Self::NotJson => SupervisorKind::NotJson,
            Self::Malformed { .. } => SupervisorKind::Malformed,
            Self::Server { .. } => SupervisorKind::Server,
            Self::Unexpected { .. } => SupervisorKind::Unexpected,
        }
    }
}
