//! The small broker of the demo: that it behaves as Mosquitto does, that its faults are what they say, and that the
//! Mosquitto of the tests does what it is told.

mod faults;
mod guest;
mod likeness;
mod observation;
mod reference;
