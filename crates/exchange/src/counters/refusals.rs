//! How often something was refused by a limit.

use crate::limits::key;
use std::sync::atomic::{AtomicU64, Ordering};

/// Stands for all quotas, which have no key of their own.
pub(crate) const QUOTAS: &str = "quotas";

/// Counters by the key of the limit, the quotas behind them.
#[derive(Debug, Default)]
pub(super) struct Refusals([AtomicU64; key::ALL.len() + 1]);

impl Refusals {
    /// A key that is not known counts as a quota; there is none.
    pub(super) fn count(&self, limit: &'static str) {
        let place = key::ALL.iter().position(|known| *known == limit).unwrap_or(key::ALL.len());
        self.0[place].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let keys = key::ALL.into_iter().chain([QUOTAS]);
        keys.zip(&self.0).map(|(key, count)| (key, count.load(Ordering::Relaxed)))
    }
}
