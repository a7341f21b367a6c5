//! The integration tests: one file per flow or edge, on real parts over loopback.

mod support;

mod announce;
mod demo;
mod minibroker;
mod options;
mod packaging;
mod supervisor;
