//! The newest picture of each camera, as its probe saw it.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;

use super::CameraId;

/// A camera's newest picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// A JPEG of at most 1280 pixels on its longest side.
    pub jpeg: Bytes,
    /// When the probe that saw it ended.
    pub taken_at: Timestamp,
}

/// The newest picture of every camera that has one. Travels by a watch channel.
pub type Pictures = BTreeMap<CameraId, Picture>;
