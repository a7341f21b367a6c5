//! The kinds of trouble with the Supervisor, for those who decide or translate: one stable word each. Pure.

/// What kind of trouble a [`SupervisorError`](super::SupervisorError) is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SupervisorKind {
    /// No broker has registered: none is installed, or it is just starting.
    ServiceNotEnabled,
    /// The Supervisor starts or stops.
    NotReady,
    /// The app's `config.yaml` does not ask for what was requested.
    NoAccess,
    /// The token is missing, old, or not meant for this path.
    TokenRefused,
    /// There is no connection.
    Unreachable,
    /// No answer came in time.
    Timeout,
    /// The connection ended before the answer did.
    CutOff,
    /// Something answered that does not speak the Supervisor's language.
    NotJson,
    /// JSON, but not what is documented.
    Malformed,
    /// The Supervisor has a fault of its own.
    Server,
    /// A refusal that is not foreseen here.
    Unexpected,
}

impl SupervisorKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::ServiceNotEnabled,
        Self::NotReady,
        Self::NoAccess,
        Self::TokenRefused,
        Self::Unreachable,
        Self::Timeout,
        Self::CutOff,
        Self::NotJson,
        Self::Malformed,
        Self::Server,
        Self::Unexpected,
    ];

    /// The word for logs, diagnostics and `check --json`. It never changes.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ServiceNotEnabled => "service_not_enabled",
            Self::NotReady => "not_ready",
            Self::NoAccess => "no_access",
            Self::TokenRefused => "token_refused",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::CutOff => "cut_off",
            Self::NotJson => "not_json",
            Self::Malformed => "malformed",
            Self::Server => "server",
            Self::Unexpected => "unexpected",
        }
    }

    /// A Supervisor that is well told it: what lacks is the MQTT service.
    #[must_use]
    pub fn is_about_the_service(self) -> bool {
        matches!(self, Self::ServiceNotEnabled | Self::NoAccess)
    }

    /// Waiting is of no use.
    #[must_use]
    pub fn needs_somebody(self) -> bool {
        matches!(self, Self::NoAccess | Self::TokenRefused | Self::NotJson | Self::Malformed | Self::Unexpected)
    }
}
