//! The query of a trigger.
#![no_main]

use libfuzzer_sys::fuzz_target;

include!("judge.rs");

fuzz_target!(|body: &[u8]| {
    let Ok(query) = std::str::from_utf8(body) else { return };
    judge(Ok(Message::from_query(query)));
});
