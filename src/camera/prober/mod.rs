//! Probes cameras.
