//! Cameras' own events, from a made-up ONVIF camera to the outbox and to Home Assistant.

mod home;
mod hostile;
mod quirks;
mod recovery;
mod support;
