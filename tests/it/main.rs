//! The integration tests: one file per flow or edge, on real parts over loopback.

mod support;

mod options;
mod supervisor;
