//! The integration tests: one file per flow or edge, on real parts over loopback.
#![expect(missing_docs, reason = "tests are sentences")]

mod packaging;
