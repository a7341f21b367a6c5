//! The page's port: who may come in, what is there besides the page, and what a crowd cannot do.

mod crowd;
mod diagnostics;
mod metrics;
mod peers;
mod requests;
pub(crate) mod support;
