//! The tool from outside, as its users run it.

#![expect(clippy::unwrap_used, reason = "in a test, what is missing is a failure")]

mod baselines;
mod cluster;
#[cfg(target_os = "linux")]
mod orphans;
mod sessions;
mod tool;
mod workloads;
