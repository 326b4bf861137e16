//! Any PFX, and any bags in one, are read or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certlet::fuzz::pfx(data));
