//! Who gets in, what they may do and how much of it, and how that changes while the gateway runs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod certificates;
mod command_line;
mod credentials;
mod enforce;
mod identity;
mod lookout;
mod quotas;
mod refusals;
mod reload;
mod rules;
mod secrets;
mod throttle;
mod tokens;
mod world;
