#![no_main]
#![expect(dead_code, reason = "each target asks one of the claims")]

#[path = "../../tests/suite/fuzzed/claims/mod.rs"]
mod claims;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| claims::remark::claims(bytes));
