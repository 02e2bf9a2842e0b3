//! What measuring takes on the hot path, and what a scrape gets: no registry, no socket, no clock.
//!
//! - [`Histogram`] counts durations in buckets from 20 µs to 30 s, with one atomic addition for many of them.
//! - [`Exposition`] writes metrics as Prometheus text 0.0.4 or as OpenMetrics 1.0.0. Whoever is scraped reads its counters
//!   where they are, and writes them family by family.

mod exposition;
mod histogram;

pub use exposition::{Exposition, Family, Format, Value};
pub use histogram::{BUCKETS, Distribution, Histogram, bucket};
