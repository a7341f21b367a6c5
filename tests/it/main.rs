//! The integration tests: one file per flow or edge, on real parts over loopback.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy knows test functions, not what they call"
)]

mod support;

mod announce;
mod architecture;
mod blueprints;
mod chain;
mod chaos;
mod demo;
mod door;
mod events;
mod library;
mod link;
mod minibroker;
mod nat;
mod onvif;
mod options;
mod outbox;
mod packaging;
mod page;
mod pictures;
mod port;
mod probe;
mod promises;
mod quirks;
mod shutdown;
mod snapshots;
mod supervisor;
mod timelines;
