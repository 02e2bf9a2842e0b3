//! A map of bounded size that forgets what is of least use.

use std::collections::HashMap;
use std::hash::Hash;

/// Whether an entry may be forgotten, and before which others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Retention {
    /// First: it is as good as a new one.
    Discard,
    /// If need be; of two the lower goes first.
    Keep(u64),
    /// Never: it is in use, and what uses it bounds the number of such entries.
    Pinned,
}

/// A map of at most `capacity` entries, and those in use beyond.
///
/// When it is full it first forgets what may go first and then, down to seven eighths, what ranks
/// lowest. A sweep looks at every entry, and comes at most once per `capacity / 8` insertions or so, unless
/// nearly everything is in use; then at most once per eighth of what is.
#[derive(Debug)]
pub struct BoundedMap<K, V> {
    map: HashMap<K, V, ahash::RandomState>,
    capacity: usize,
    /// The length at which the next sweep is due.
    sweep_at: usize,
}

impl<K: Hash + Eq, V> BoundedMap<K, V> {
    /// An empty one; a capacity below 8 is taken for 8.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(8);
        Self { map: HashMap::default(), capacity, sweep_at: capacity }
    }

    /// The entry of `key`, if it is remembered.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key)
    }

    /// Forgets the entry of `key`.
    pub fn remove(&mut self, key: &K) {
        self.map.remove(key);
    }

    /// The entry of `key`, which is made if need be.
    pub fn entry(&mut self, key: K, make: impl FnOnce() -> V, retention: impl Fn(&V) -> Retention) -> &mut V {
        if self.map.len() >= self.sweep_at && !self.map.contains_key(&key) {
            self.sweep(retention);
        }
        self.map.entry(key).or_insert_with(make)
    }

    fn sweep(&mut self, retention: impl Fn(&V) -> Retention) {
        self.map.retain(|_, value| retention(value) != Retention::Discard);
        let keep = self.capacity - self.capacity / 8;
        let mut ranks: Vec<u64> = Vec::new();
        for value in self.map.values() {
            if let Retention::Keep(rank) = retention(value) {
                ranks.push(rank);
            }
        }
        let mut excess = self.map.len().saturating_sub(keep).min(ranks.len());
        if excess > 0 {
            let (_, &mut highest, _) = ranks.select_nth_unstable(excess - 1);
            self.map.retain(|_, value| match retention(value) {
                Retention::Keep(rank) if rank <= highest && excess > 0 => {
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

    fn filled(retentions: impl Iterator<Item = Retention>) -> BoundedMap<usize, Retention> {
        let mut map = BoundedMap::new(16);
        for (key, retention) in retentions.enumerate() {
            map.entry(key, || retention, |retention| *retention);
        }
        map
    }

    #[test]
    fn what_may_be_discarded_goes_first() {
        let map = filled((0..17).map(|key| if key < 8 { Retention::Discard } else { Retention::Keep(1) }));
        assert_eq!(map.len(), 9);
        assert!(map.get(&0).is_none() && map.get(&8).is_some() && map.get(&16).is_some());
    }

    #[test]
    fn then_what_ranks_lowest() {
        let map = filled((0..17).map(Retention::Keep));
        assert_eq!(map.len(), 15);
        assert!(map.get(&0).is_none() && map.get(&1).is_none() && map.get(&2).is_some());
        let equal = filled((0..17).map(|_| Retention::Keep(5)));
        assert_eq!(equal.len(), 15);
    }

    #[test]
    fn it_stays_bounded_whatever_comes() {
        for retention in [Retention::Discard, Retention::Keep(1)] {
            assert!(filled((0..10_000).map(|_| retention)).len() <= 16);
        }
    }

    #[test]
    fn what_is_in_use_stays() {
        let mut map = filled((0..100).map(|_| Retention::Pinned));
        assert_eq!(map.len(), 100);
        map.entry(7, || Retention::Discard, |retention| *retention);
        assert_eq!(map.get(&7), Some(&Retention::Pinned));
        map.remove(&7);
        assert_eq!(map.len(), 99);
    }

    #[test]
    fn a_known_key_sweeps_nothing() {
        let mut map = filled((0..16).map(|_| Retention::Discard));
        map.entry(3, || Retention::Pinned, |retention| *retention);
        assert_eq!(map.len(), 16);
    }
}
