#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| entrad::audit::fuzzing::audit_log(data));
