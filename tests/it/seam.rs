//! The seam between what is announced, the events, and the link's epochs: what must not happen when two things happen at once.
//! Seen from outside only: topics, answers, metrics.

mod departed;
mod disk;
mod epoch;
mod hearing;
mod interrupted;
mod order;
mod removal;
mod support;
