#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| entrad::config::fuzzing::configuration(data));
