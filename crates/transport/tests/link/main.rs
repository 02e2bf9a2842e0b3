//! Links over a simulated network: see `sim` for what it does to them, `world` to replay a seed.

#![expect(clippy::cast_possible_truncation, reason = "small numbers of a test")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod bulk;
mod close;
mod ends;
mod frames;
mod interop;
mod limits;
mod listener;
mod narrow;
mod sim;
mod slow;
mod storm;
mod streams;
mod world;
