#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kfk_fuzz::run("record_batch", data));
