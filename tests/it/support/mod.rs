//! The fakes: real sockets on loopback, answering as the real thing was measured to answer.

pub(crate) mod supervisor;
