//! Any text lowers to as many lines, with every position inside it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certlet::fuzz::lowering(data));
