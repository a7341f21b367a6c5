//! The mirror's flow: what is on the broker after a start, a restart, a birth, a change of the inventory.

mod birth;
mod cameras;
mod inventory;
mod recovery;
mod requests;
mod start;
