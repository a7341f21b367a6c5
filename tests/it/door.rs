//! The event doors as a sender meets them: a real listener, real requests, and a fake outbox behind it.

mod crowd;
mod doors;
mod flood;
mod limits;
mod refusals;
mod senders;
pub(crate) mod support;
