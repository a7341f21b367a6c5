//! A JSON body.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

include!("judge.rs");

fuzz_target!(|body: &[u8]| {
    judge(Message::from_json(body));
    judge_trigger("application/json", &Bytes::copy_from_slice(body), "");
});
