//! Edges go where there is room: when gateways join, drain and come again. No call fails meanwhile.

#![expect(clippy::unwrap_used, reason = "what a test does not expect ends it")]

mod draining;
mod fleet;
mod joins;
mod names;
mod rolling;
mod world;
