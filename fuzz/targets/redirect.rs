#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| entrad::entra::fuzzing::redirect(data));
