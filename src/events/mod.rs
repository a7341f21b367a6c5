//! Events: the doors that take them in, and the outbox that keeps them until the broker has them.

pub mod door;
pub mod outbox;
pub mod subscription;
