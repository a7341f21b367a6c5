//! The identity of a camera: the one part of its options that must never change.

use std::fmt;

use serde::Serialize;

/// Identifies a camera in topics, unique ids and the database: `^[a-z0-9_]{1,64}$`.
///
/// The pattern is a subset of what Home Assistant allows in a discovery topic (`[a-zA-Z0-9_-]+`), so an id can be
/// put into a topic as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CameraId(String);

/// Why a text is not a [`CameraId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CameraIdError {
    /// Empty, longer than 64 characters, or with something else than `a-z`, `0-9` and `_`.
    #[error("use 1 to 64 of a-z, 0-9 and _")]
    Pattern,
    /// `bridge` names the app's own device in the discovery topic.
    #[error("\"bridge\" is taken by Camera Herald's own device; choose another id")]
    Reserved,
}

impl CameraId {
    /// The longest id, in characters.
    pub const MAX_LEN: usize = 64;

    /// Checks and takes an id.
    ///
    /// # Errors
    /// [`CameraIdError`] when the text cannot serve as an id.
    pub fn new(text: &str) -> Result<Self, CameraIdError> {
        let fits = (1..=Self::MAX_LEN).contains(&text.len());
        if !fits || !text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')) {
            return Err(CameraIdError::Pattern);
        }
        if text == "bridge" {
            return Err(CameraIdError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }

    /// The id as it stands in topics.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CameraId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_safe_in_topics() {
        for good in ["a", "front_door", "cam_2", &"x".repeat(64)] {
            assert!(CameraId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "Front", "a-b", "a/b", "a+", "#", "ü", "a b", &"x".repeat(65)] {
            assert_eq!(CameraId::new(bad), Err(CameraIdError::Pattern), "{bad}");
        }
    }

    #[test]
    fn the_bridge_keeps_its_own_id() {
        assert_eq!(CameraId::new("bridge"), Err(CameraIdError::Reserved));
    }
}
