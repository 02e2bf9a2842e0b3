//! What there is to deploy with: units for systemd, a composition of containers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod compose;
mod supervisor;
mod units;
