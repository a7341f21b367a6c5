//! The integration tests: one file per flow or edge, on real parts over loopback.

mod probe;
mod support;
