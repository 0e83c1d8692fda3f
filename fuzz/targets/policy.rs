#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| entrad::access::policy::fuzzing::policy(data));
