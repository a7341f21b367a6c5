//! Whatever a camera sends as an answer, the worst is that it is not understood.
#![no_main]

use camera_herald::camera::prober;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| prober::understand(data));
