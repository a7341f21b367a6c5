//! What several flows need: real parts that are private to a test, and eyes to watch them with.

pub(crate) mod mosquitto;
pub(crate) mod watcher;
