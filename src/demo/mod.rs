//! What `camera-herald demo` runs in place of a home: nothing here reaches beyond loopback.

pub mod broker;
