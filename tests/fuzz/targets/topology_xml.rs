//! Any topology in XML is read or refused, and what is read can be written.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certlet::fuzz::topology_xml(data));
