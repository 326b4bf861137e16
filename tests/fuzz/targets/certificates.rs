//! Any certificate, request, revocation list and bundle is read or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certlet::fuzz::certificates(data));
