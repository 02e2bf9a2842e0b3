//! The golden frames, whole, damaged and cut, as input of the fuzz harness.

use crate::{fuzz, samples};
use frontier_protocol::HEADER_LEN;

/// What every frame of the golden files looks like behind one another, with a seed in front.
fn corpus() -> Vec<Vec<u8>> {
    let mut all = vec![0xa5];
    let mut corpus = Vec::new();
    for sample in samples::all() {
        all.extend_from_slice(&sample.hex.0);
        corpus.push([&[7], &sample.hex.0[..]].concat());
    }
    corpus.push(all);
    corpus
}

#[test]
fn the_fuzz_harness_takes_the_golden_frames() {
    for input in corpus() {
        for seed in 0..8 {
            fuzz::decoder(&[&[seed], &input[1..]].concat());
        }
    }
}

#[test]
fn the_fuzz_harness_takes_damaged_frames() {
    for input in corpus() {
        for at in 1..input.len() {
            for damage in [0x01, 0x80, 0xff] {
                let mut damaged = input.clone();
                damaged[at] ^= damage;
                fuzz::decoder(&damaged);
            }
        }
    }
}

#[test]
fn the_fuzz_harness_takes_cut_frames() {
    for input in corpus() {
        for len in 0..input.len() {
            fuzz::decoder(&input[..len]);
        }
    }
}

/// The bodies of all kinds, as they are, cut and damaged: who sends one as a Hello is a stranger.
#[test]
fn the_fuzz_harness_takes_strange_hellos() {
    for sample in samples::all() {
        let body = sample.hex.0.get(HEADER_LEN..).unwrap_or_default();
        for at in 0..body.len() {
            fuzz::hello(&body[..at]);
            for damage in [0x01, 0x80, 0xff] {
                let mut damaged = body.to_vec();
                damaged[at] ^= damage;
                fuzz::hello(&damaged);
            }
        }
        fuzz::hello(body);
    }
}
