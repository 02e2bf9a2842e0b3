#![no_main]

use libfuzzer_sys::fuzz_target;
use std::time::Instant;

fuzz_target!(|input: &[u8]| frontier_fuzz::yamux::yamux(input, Instant::now()));
