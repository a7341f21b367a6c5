//! A form, strictly and as a trigger takes it.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

include!("judge.rs");

fuzz_target!(|body: &[u8]| {
    // The first line is the boundary.
    let Some(at) = body.iter().position(|b| *b == b'\n') else { return };
    let Ok(boundary) = std::str::from_utf8(&body[..at]) else { return };
    let form = Bytes::copy_from_slice(&body[at + 1..]);
    judge(Message::from_multipart(boundary, &form));
    judge_trigger(&format!("multipart/form-data; boundary={boundary}"), &form, "");
    judge_trigger("", &form, "");
});
