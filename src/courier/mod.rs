//! Brings events to Home Assistant, in order and once the epoch was announced.
//!
//! One task writes `event`, `detection` and `snapshot`, also when they are said again. In: the outbox, histories, pictures, [`Announced`],
//! presence, the link. Out: messages under a lease; an event leaves the outbox only on the broker's acknowledgement. What may go is
//! decided in [`gate`] and [`line`], pure; the disk and the decoder work beside it ([`fetch`]), so that no camera's event waits for
//! another one's picture.
//!
//! [`Announced`]: crate::mirror::Announced

mod age;
mod album;
mod fetch;
mod flight;
mod gate;
mod line;
mod load;
mod marks;
mod shown;
mod task;

pub(crate) use task::{Courier, Sources};
