//! The session's flow: connections come and go; the link's state, the acknowledgements and the subscriptions stay right.

mod acknowledgement;
mod credentials;
mod flaky;
mod lacks;
mod limits;
mod looking;
mod opening;
mod parting;
mod reconnect;
mod standstill;
mod words;
