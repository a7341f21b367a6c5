//! Speaks ONVIF to a camera or a recorder: what it is, where its pictures are, and the events that it tells by itself.
//!
//! In: a host and a login. Out: answers as plain values, or a [`Trouble`]. Written by hand, because what is hard are the cameras'
//! peculiarities (`docs/decisions/0021-onvif-by-hand.md`). Invariant: whatever a camera sends, an answer takes bounded memory and time.

mod address;
mod clock;
mod device;
mod envelope;
mod event_service;
mod login;
mod media;
mod messages;
mod notification;
mod trouble;
mod wire;
mod xml;

pub(crate) use clock::Clock;
pub(crate) use device::Device;
pub(crate) use event_service::{PullPoint, Term};
pub(crate) use media::{Addresses, Sources};
pub(crate) use notification::{Notification, Operation};
pub(crate) use trouble::{Kind, Trouble};
pub(crate) use wire::client;
