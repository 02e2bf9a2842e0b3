//! How long what is reported counts.

use frontier_config::{Seconds, Section};
use std::time::Duration;

/// How long things live in the directory without being refreshed, and how much of the past is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A frontier, and what is on it. The heartbeat is a third of it. 30 s.
    pub alive: Duration,
    /// What is kept of an edge that has left, so that late reports of it are known as such: at least as
    /// long as reports may be late. Not below `alive`. 30 s.
    pub edge_meta: Duration,
    /// The same for services and frontiers. Not below `alive`. 30 s.
    pub service_meta: Duration,
    /// How many changes the history has. 65,536.
    pub history: usize,
}

impl Default for Lifetimes {
    fn default() -> Self {
        let alive = Duration::from_secs(30);
        Self { alive, edge_meta: alive, service_meta: alive, history: 65_536 }
    }
}

impl Lifetimes {
    /// Reads the section `frontier_plane.expiration`.
    #[must_use]
    pub fn read(expiration: &Section<'_>) -> Self {
        // One setting: what is not written follows `alive`.
        let expiration = &expiration.fixed_as("frontier_plane.expiration");
        let default = Self::default();
        let (second, day) = (Duration::from_secs(1), Duration::from_secs(24 * 3600));
        let alive = expiration.within("alive", default.alive, second..=day);
        let meta = |key| {
            // The Go original has seconds.
            let meta: Option<Seconds> = expiration.optional(key);
            match meta.and_then(|Seconds(meta)| meta) {
                None => alive,
                Some(meta) if (alive..=30 * day).contains(&meta) => meta,
                Some(meta) => {
                    let max = 30 * day;
                    expiration.reject(
                        key,
                        format!("must lie between `alive`, {alive:?}, and {max:?}, is {meta:?}"),
                    );
                    alive
                }
            }
        };
        let this = Self {
            alive,
            edge_meta: meta("edge_meta"),
            service_meta: meta("service_meta"),
            history: expiration.within("history", default.history, 1000..=10_000_000),
        };
        expiration.record(&this);
        this
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_config as config;

    fn read(text: &str) -> Result<Lifetimes, String> {
        config::load(text, &|_| None, &[], Lifetimes::read).map_err(|errors| errors.to_string())
    }

    #[test]
    fn what_is_kept_of_the_past_is_kept_as_long_as_the_present_lives() {
        assert_eq!(read(""), Ok(Lifetimes::default()));
        let minute = Duration::from_secs(60);
        let longer = read("alive: 60s\nedge_meta: 1h").unwrap();
        assert_eq!((longer.alive, longer.service_meta, longer.edge_meta), (minute, minute, 60 * minute));
        let errors = read("edge_meta: 10s\nservice_meta: 60d\nalive: 1ms\nhistory: 1").unwrap_err();
        assert!(errors.starts_with("4 mistakes"), "{errors}");
        assert!(
            errors.contains("edge_meta: must lie between `alive`, 30s, and 2592000s, is 10s"),
            "{errors}"
        );
    }
}
