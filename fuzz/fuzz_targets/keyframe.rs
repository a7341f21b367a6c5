//! Whatever a camera sends as a key frame, the worst is that there is no picture.
#![no_main]

use camera_herald::picture::Print;
use camera_herald::picture::keyframe::{self, Codec};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((choice, frame)) = data.split_first() else { return };
    let codec = if choice % 2 == 0 { Codec::H264 } else { Codec::H265 };
    if let Ok(picture) = keyframe::decode(codec, frame, None) {
        assert!(u64::from(picture.width()) * u64::from(picture.height()) <= camera_herald::picture::MOST_PIXELS);
        let _too_small = Print::of(&picture.into_rgb8());
    }
});
