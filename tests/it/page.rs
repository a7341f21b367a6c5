//! The page over HTTP: addresses, languages, refusals, the live stream, hostile texts, and walls of many cameras.

mod history;
mod hostile;
mod live;
mod press;
mod routes;
mod support;
