//! What the daemons tell of themselves: metrics, read by promtool and by a Prometheus that is not ours, and whether they
//! are ready.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod frontlas;
mod gateway;
mod http;
mod pages;
mod prometheus;
mod readiness;
mod scrape;
