//! Any topology and any `certlet.toml` is read or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certlet::fuzz::configuration(data));
