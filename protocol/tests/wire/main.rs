//! The wire as others see it: the golden vectors, properties of arbitrary frames and bytes, and the
//! fuzz harness over a fixed corpus.

mod cuts;
#[path = "../../../fuzz/src/wire.rs"]
#[expect(unreachable_pub, reason = "the file is the fuzz crate's library as well")]
mod fuzz;
mod golden;
mod invalid;
mod json;
mod owned;
mod property;
mod replay;
mod samples;
mod strategy;
mod tables;
