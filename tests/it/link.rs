//! The session's flow: connections come and go; the link's state, the acknowledgements and the subscriptions stay right.

mod acknowledgement;
mod limits;
mod opening;
mod reconnect;
mod standstill;
