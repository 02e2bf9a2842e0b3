//! The body of the fuzz target over what a short run can reach: frames that mean something, damaged ones, and noise.

use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Instant;

#[path = "../../../fuzz/src/yamux.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are another crate")]
mod body;

#[expect(clippy::disallowed_methods, reason = "the one instant at which all of it happens")]
fn now() -> Instant {
    Instant::now()
}

/// A frame of one of few streams, with a body of its length as a rule.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    (0_u8..4, 0_u16..16, 0_u32..12, 0_u32..400, prop::bool::weighted(0.9)).prop_map(
        |(kind, flags, stream, length, has_body)| {
            let mut frame = vec![0, kind];
            frame.extend(flags.to_be_bytes());
            frame.extend(stream.to_be_bytes());
            frame.extend(length.to_be_bytes());
            if kind == 0 && has_body {
                frame.extend((0..length).map(|at| u8::try_from(at % 251).expect("it is less")));
            }
            frame
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn frames_mean_the_same_however_they_are_cut(seed: u8, frames in vec(frame(), 0..40)) {
        body::yamux(&[&[seed][..], &frames.concat()].concat(), now());
    }

    #[test]
    fn noise_is_refused(input in vec(any::<u8>(), 0..400)) {
        body::yamux(&input, now());
    }
}
