//! What the tests stand on: one fake for each edge.

pub(crate) mod camera;
