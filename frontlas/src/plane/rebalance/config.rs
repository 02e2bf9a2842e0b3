//! What can be set of rebalancing.

use frontier_config::Section;
use std::time::Duration;

/// The section `frontier_plane.rebalance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebalanceConfig {
    /// `enable`: whether edges are moved at all.
    pub enable: bool,
    /// `interval`: how often plans are made.
    pub interval: Duration,
    /// `rate`: how many edges one frontier asks to move in a second, at most.
    pub rate: u32,
    /// `threshold`: from how far off the mean on edges are moved, in percent of it.
    pub threshold: u8,
    /// `settle`: how long a frontier must have been there to be sent edges: services come first.
    pub settle: Duration,
}

impl Default for RebalanceConfig {
    fn default() -> Self {
        let (interval, settle) = (Duration::from_secs(5), Duration::from_secs(10));
        Self { enable: true, interval, rate: 100, threshold: 5, settle }
    }
}

impl RebalanceConfig {
    /// Reads the section.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        let Self { enable, interval, rate, threshold, settle } = Self::default();
        Self {
            enable: section.get("enable", enable),
            interval: section.within(
                "interval",
                interval,
                Duration::from_millis(100)..=Duration::from_secs(3600),
            ),
            rate: section.within("rate", rate, 1..=100_000),
            threshold: section.within("threshold", threshold, 1..=100),
            settle: section.within("settle", settle, Duration::ZERO..=Duration::from_secs(24 * 3600)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_config::load;

    #[test]
    fn what_is_written_counts_within_its_bounds() {
        let read =
            |yaml| load(yaml, &|_| None, &[], RebalanceConfig::read).map_err(|errors| errors.to_string());
        assert_eq!(read(""), Ok(RebalanceConfig::default()));
        let written = read("{enable: false, interval: 1s, rate: 7, threshold: 20, settle: 0s}").unwrap();
        assert_eq!((written.enable, written.rate, written.threshold), (false, 7, 20));
        let errors = read("{interval: 1ms, rate: 0, threshold: 0, settle: 30d}").unwrap_err();
        assert!(errors.starts_with("4 mistakes"), "{errors}");
    }
}
