//! A map that forgets.

use std::collections::HashMap;
use std::hash::Hash;

/// What forgetting an entry would lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Worth {
    /// Nothing: it is as good as a new one.
    Nothing,
    /// Something; of two the lower goes first.
    Some(u64),
    /// Too much: it is in use, and what uses it bounds the number of such entries.
    InUse,
}

/// A map of at most `capacity` entries, and those in use beyond.
///
/// When it is full it first forgets what is worth nothing and then, down to seven eighths, what is worth
/// least. A sweep looks at every entry, and comes at most once per `capacity / 8` insertions or so, unless
/// nearly everything is in use; then at most once per eighth of what is.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    map: HashMap<K, V, ahash::RandomState>,
    capacity: usize,
    /// The length at which the next sweep is due.
    sweep_at: usize,
}

impl<K: Hash + Eq, V> Bounded<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = capacity.max(8);
        Self { map: HashMap::default(), capacity, sweep_at: capacity }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key)
    }

    pub(crate) fn remove(&mut self, key: &K) {
        self.map.remove(key);
    }

    /// The entry of `key`, which is made if need be.
    pub(crate) fn entry(&mut self, key: K, make: impl FnOnce() -> V, worth: impl Fn(&V) -> Worth) -> &mut V {
        if self.map.len() >= self.sweep_at && !self.map.contains_key(&key) {
            self.sweep(worth);
        }
        self.map.entry(key).or_insert_with(make)
    }

    fn sweep(&mut self, worth: impl Fn(&V) -> Worth) {
        self.map.retain(|_, value| worth(value) != Worth::Nothing);
        let keep = self.capacity - self.capacity / 8;
        let mut worths: Vec<u64> = Vec::new();
        for value in self.map.values() {
            if let Worth::Some(worth) = worth(value) {
                worths.push(worth);
            }
        }
        let mut excess = self.map.len().saturating_sub(keep).min(worths.len());
        if excess > 0 {
            let (_, &mut most, _) = worths.select_nth_unstable(excess - 1);
            self.map.retain(|_, value| match worth(value) {
                Worth::Some(worth) if worth <= most && excess > 0 => {
                    excess -= 1;
                    false
                }
                _ => true,
            });
        }
        self.sweep_at = self.capacity.max(self.map.len() + self.map.len() / 8);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(worths: impl Iterator<Item = Worth>) -> Bounded<usize, Worth> {
        let mut map = Bounded::new(16);
        for (key, worth) in worths.enumerate() {
            map.entry(key, || worth, |worth| *worth);
        }
        map
    }

    #[test]
    fn what_is_worth_nothing_goes_first() {
        let map = filled((0..17).map(|key| if key < 8 { Worth::Nothing } else { Worth::Some(1) }));
        assert_eq!(map.len(), 9);
        assert!(map.get(&0).is_none() && map.get(&8).is_some() && map.get(&16).is_some());
    }

    #[test]
    fn then_what_is_worth_least() {
        let map = filled((0..17).map(Worth::Some));
        assert_eq!(map.len(), 15);
        assert!(map.get(&0).is_none() && map.get(&1).is_none() && map.get(&2).is_some());
        let equal = filled((0..17).map(|_| Worth::Some(5)));
        assert_eq!(equal.len(), 15);
    }

    #[test]
    fn it_stays_bounded_whatever_comes() {
        for worth in [Worth::Nothing, Worth::Some(1)] {
            assert!(filled((0..10_000).map(|_| worth)).len() <= 16);
        }
    }

    #[test]
    fn what_is_in_use_stays() {
        let mut map = filled((0..100).map(|_| Worth::InUse));
        assert_eq!(map.len(), 100);
        map.entry(7, || Worth::Nothing, |worth| *worth);
        assert_eq!(map.get(&7), Some(&Worth::InUse));
        map.remove(&7);
        assert_eq!(map.len(), 99);
    }

    #[test]
    fn a_known_key_sweeps_nothing() {
        let mut map = filled((0..16).map(|_| Worth::Nothing));
        map.entry(3, || Worth::InUse, |worth| *worth);
        assert_eq!(map.len(), 16);
    }
}
