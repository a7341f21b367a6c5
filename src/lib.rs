//! Camera Herald: every camera of a home as a Home Assistant device over MQTT, kept true through every restart.
//!
//! ```text
//! control   supervisor ──credentials──> broker::session ══LinkState: Down | Up(lease)══> mirror ══Announced══> courier
//! state     inventory ══cameras══> prober ──report──> tracker ══statuses══> mirror        pictures ══> courier
//! event     door ──event──> outbox ──next/ack──> courier
//! heard     session ──inbox──> mirror ══Presence══> courier
//!           mirror, courier ──lease.send──> session                 ══ watch, latest wins   ── mpsc or call
//! ```
//!
//! Data goes from left to right, `use` goes from right to left: a module may name what feeds it, never what it feeds.

pub mod app;
pub(crate) mod backoff;
pub mod broker;
pub mod camera;
pub mod chain;
pub mod cli;
pub mod commands;
pub(crate) mod courier;
pub mod credentials;
#[cfg(feature = "demo")]
pub mod demo;
mod dial;
pub mod events;
pub mod homeassistant;
pub mod http;
mod kept_file;
pub(crate) mod logging;
pub mod mirror;
pub mod options;
pub(crate) mod picture;
pub mod process;
pub mod store;
pub mod supervisor;
pub mod tls;
pub mod web;
