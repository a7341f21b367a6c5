//! What several flows need: real parts that are private to a test, fakes on real sockets, and eyes to watch them with.

pub(crate) mod herald;
pub(crate) mod mosquitto;
pub(crate) mod supervisor;
pub(crate) mod watcher;
