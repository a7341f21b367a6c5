//! A connection's place in the [`Crowd`], and the time of each answer. Invariant: a seat that is dropped is free, and a turn that is
//! dropped has ended, however the connection ends.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::Notify;

use super::crowd::Crowd;

/// All seats of a port.
pub(super) struct Seats {
    crowd: Mutex<Crowd>,
    /// Somebody left, or could give way from now on.
    pub(super) eased: Notify,
}

/// Held by a connection for as long as it lives.
pub(super) struct Seat {
    seats: Arc<Seats>,
    guest: u64,
}

/// Held from a request's head to the end of its answer.
pub(super) struct Turn {
    seat: Arc<Seat>,
}

/// An answer's body that ends the turn.
pub(super) struct Answer<B> {
    body: B,
    _turn: Turn,
}

impl Seats {
    pub(super) fn new(crowd: Crowd) -> Arc<Self> {
        Arc::new(Self { crowd: Mutex::new(crowd), eased: Notify::new() })
    }

    /// Nothing panics while it is held, and a count that is wrong is better than a port that is shut.
    pub(super) fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    pub(super) fn new(seats: &Arc<Seats>, guest: u64) -> Arc<Self> {
        Arc::new(Self { seats: Arc::clone(seats), guest })
    }

    /// A whole head came.
    pub(super) fn turn(self: &Arc<Self>) -> Turn {
        self.seats.crowd().ask(self.guest);
        Turn { seat: Arc::clone(self) }
    }

    pub(super) fn has_asked(&self) -> bool {
        self.seats.crowd().has_asked(self.guest)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.crowd().leave(self.guest);
        self.seats.eased.notify_one();
    }
}

impl Turn {
    /// The asker gets what it asked for.
    pub(super) fn grant(&self) {
        self.seat.seats.crowd().grant(self.seat.guest);
    }

    pub(super) fn until_the_end_of<B>(self, body: B) -> Answer<B> {
        Answer { body, _turn: self }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.seat.seats.crowd().answered(self.seat.guest);
        self.seat.seats.eased.notify_one();
    }
}

impl<B: Body + Unpin> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
