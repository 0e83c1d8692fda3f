#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| entrad::vault::fuzzing::sealed_file(data));
