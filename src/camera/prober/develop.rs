//! Makes a picture out of what a probe got. Decoding happens on threads that may block, at most [`AT_ONCE`] at a time, and whatever a
//! camera sends, the worst that can come of it is that there is no picture.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use image::DynamicImage;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::camera::Glimpse;
use crate::picture::keyframe::{self, Codec, KeyFrameError};
use crate::picture::{self, Print};

/// Pictures that are decoded at a time: each may take a core and some 30 MB.
const AT_ONCE: usize = 2;
/// A 4K key frame takes a Raspberry Pi less than a second. What takes longer is given up, and keeps its place until it ends.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a picture waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a probe got of the picture.
pub(super) enum Exposure {
    /// A JPEG or PNG file.
    File(Bytes),
    /// A key frame in Annex B form, and the size that the stream declares.
    KeyFrame(Codec, Bytes, Option<(u32, u32)>),
}

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoiled {
    Unsupported,
    Broken,
    TooLarge,
    TooSlow,
    Waited,
}

/// Where pictures are made. Cheap to clone.
#[derive(Clone)]
pub(super) struct Darkroom(Arc<Semaphore>);

impl Default for Darkroom {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Darkroom {
    /// Makes the picture, of at most `limit` bytes.
    pub(super) async fn develop(&self, exposure: Exposure, limit: usize) -> Result<Glimpse, Spoiled> {
        // Waiting for a place is ours, not the picture's: it has a limit of its own.
        let Ok(Ok(place)) = timeout(PATIENCE, self.0.clone().acquire_owned()).await else {
            return Err(Spoiled::Waited);
        };
        let developing = spawn_blocking(move || {
            let _until_it_is_done = place;
            develop(&exposure, limit)
        });
        match timeout(LIMIT, developing).await {
            // A panic in a decoder ends here.
            Ok(developed) => developed.unwrap_or(Err(Spoiled::Broken)),
            Err(_) => Err(Spoiled::TooSlow),
        }
    }
}

fn develop(exposure: &Exposure, limit: usize) -> Result<Glimpse, Spoiled> {
    let picture = match exposure {
        Exposure::File(file) => picture::decode(file).map_err(|_| Spoiled::Broken)?,
        Exposure::KeyFrame(codec, data, size) => keyframe::decode(*codec, data, *size)?,
    };
    let picture = DynamicImage::from(picture.into_rgb8());
    let print = picture.as_rgb8().and_then(Print::of).ok_or(Spoiled::Broken)?;
    let jpeg = match exposure {
        Exposure::File(file) if file.starts_with(&[0xff, 0xd8]) => picture::fit(file, limit),
        _ => picture::shrink(&picture, limit),
    };
    Ok(Glimpse { jpeg: jpeg.map_err(|_| Spoiled::TooLarge)?, print: Arc::new(print) })
}

impl From<KeyFrameError> for Spoiled {
    fn from(error: KeyFrameError) -> Self {
        match error {
            KeyFrameError::Unsupported => Self::Unsupported,
            KeyFrameError::Broken => Self::Broken,
            KeyFrameError::TooLarge => Self::TooLarge,
        }
    }
}

impl Spoiled {
    /// What to tell the user, after the place's name.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Unsupported => {
                "sends video that cannot be turned into a picture (interlaced, perhaps): enter its snapshot URL as well"
            }
            Self::Broken => {
                "sends pictures that cannot be decoded: restart the camera, switch its encryption of the video off, or enter its snapshot URL as well"
            }
            Self::TooLarge => {
                "sends pictures that are too large: use its sub stream, or enter its snapshot URL as well"
            }
            Self::Waited => "sends pictures, but this machine had no time to decode them: look at what else runs on it",
            Self::TooSlow => "sends pictures that take too long to decode here: use its sub stream",
        }
    }
}
