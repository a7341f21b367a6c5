//! What real cameras get wrong, one switch each.

/// The switches. All off is a camera that keeps to the specification.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quirks {
    /// Wants the password in clear, and refuses its digest.
    pub text_password: bool,
    /// Asks for HTTP Digest as well.
    pub http_digest: bool,
    /// Wants a login for its clock, too.
    pub locked_clock: bool,
    /// Names an address behind a router for its services and subscriptions.
    pub inner_addresses: bool,
    /// Names the port of its addresses twice.
    pub double_port: bool,
    /// Lists its events in `GetCapabilities` only.
    pub events_in_capabilities_only: bool,
    /// Lists its events in `GetServices` only.
    pub events_in_services_only: bool,
    /// Says that it has no pull points, and has.
    pub denies_pull_points: bool,
    /// Gives a `urn:uuid:` as the address of a subscription.
    pub urn_subscription: bool,
    /// Knows a subscription by a reference parameter only.
    pub reference_parameters: bool,
    /// Refuses requests without WS-Addressing's `Action` and `MessageID`.
    pub needs_addressing: bool,
    /// Answers a subscription without a termination time with an error.
    pub needs_termination: bool,
    /// Takes every relative length for ten seconds.
    pub misreads_lengths: bool,
    /// Writes times that are none.
    pub silly_times: bool,
    /// Closes each pull after so many milliseconds.
    pub closes_pulls_after: Option<u64>,
    /// Holds so many subscriptions.
    pub places: Option<usize>,
    /// Refuses to renew.
    pub no_renew: bool,
    /// Never says that something is over.
    pub never_ends: bool,
    /// Writes its states in capitals, or as digits.
    pub odd_truth: bool,
    /// Adds rubbish to its topics.
    pub odd_topics: bool,
    /// Writes its name in another encoding than it declares.
    pub broken_encoding: bool,
    /// Knows no network interfaces.
    pub no_interfaces: bool,
    /// Has no still pictures.
    pub no_snapshot: bool,
    /// Lists the second media service and does not have it.
    pub no_media2: bool,
    /// Has no events.
    pub no_events: bool,
    /// Tells nothing any more, and takes every request.
    pub mute: bool,
    /// Answers pulls with something that is no XML.
    pub broken_pulls: bool,
    /// Answers pulls with one message of so many bytes.
    pub huge_message: Option<usize>,
    /// Answers everything with an entity bomb.
    pub bomb: bool,
}
