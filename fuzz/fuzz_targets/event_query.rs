//! The query of a trigger.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

include!("judge.rs");

fuzz_target!(|body: &[u8]| {
    let Ok(query) = std::str::from_utf8(body) else { return };
    judge(Ok(Message::from_query(query)));
    judge_trigger("application/x-www-form-urlencoded", &Bytes::copy_from_slice(body), query);
});
