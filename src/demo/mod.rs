//! What `camera-herald demo` runs in place of a home: nothing here reaches beyond loopback.

pub mod broker;
pub(crate) mod cameras;
pub(crate) mod detector;
pub mod device;
pub(crate) mod screen;
pub(crate) mod stage;
pub(crate) mod viewer;
