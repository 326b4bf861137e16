//! Any words bind to a verb or are refused, and what is bound belongs to the set that was chosen.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certlet::fuzz::binding(data));
