//! What a person sees: the page, its port, and the feeds that both are made from.

pub mod feeds;
pub mod page;
pub mod port;
pub(crate) mod user;
