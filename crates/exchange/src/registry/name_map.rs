//! A map from names to values that is changed and read in even steps: it is many small tables, and no change makes a
//! large one anew.

use ahash::RandomState;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// Tables by which the names are shared out: one has some thousands at a million names, and grows in a fraction of a
/// millisecond.
const SHARDS: usize = 256;

/// The names of one hash: one, as good as always.
type Names<V> = SmallVec<[(Arc<str>, V); 1]>;

/// By the hash of the name, with a key that nobody outside can guess.
type Shard<V> = HashMap<u64, Names<V>, BuildHasherDefault<Same>>;

/// A map from names to values.
#[derive(Clone, Debug)]
pub(crate) struct NameMap<V> {
    shards: Box<[Shard<V>]>,
    hasher: RandomState,
}

impl<V> Default for NameMap<V> {
    fn default() -> Self {
        let shards = std::iter::repeat_with(Shard::default).take(SHARDS).collect();
        Self { shards, hasher: RandomState::default() }
    }
}

impl<V> NameMap<V> {
    /// How many names have a value. Two of one hash, as good as never, count as one.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(HashMap::len).sum()
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.shards.iter().all(HashMap::is_empty)
    }

    /// The value of that name.
    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The name and its value, as they stand here.
    #[inline]
    pub(crate) fn entry(&self, name: &str) -> Option<&(Arc<str>, V)> {
        let hash = self.hasher.hash_one(name);
        self.shards[shard(hash)].get(&hash)?.iter().find(|(key, _)| **key == *name)
    }

    /// Gives the name a value; without one it is taken out.
    pub(crate) fn set(&mut self, name: &Arc<str>, value: Option<V>) {
        let hash = self.hasher.hash_one(&**name);
        let shard = &mut self.shards[shard(hash)];
        match (shard.entry(hash), value) {
            (Entry::Vacant(free), Some(value)) => {
                free.insert(SmallVec::from_buf([(name.clone(), value)]));
            }
            (Entry::Vacant(_), None) => {}
            (Entry::Occupied(mut names), Some(value)) => {
                match names.get_mut().iter_mut().find(|(key, _)| *key == *name) {
                    Some((_, old)) => *old = value,
                    None => names.get_mut().push((name.clone(), value)),
                }
            }
            (Entry::Occupied(mut names), None) => {
                names.get_mut().retain(|(key, _)| *key != *name);
                if names.get().is_empty() {
                    names.remove();
                    // One burst is no reason to hold its memory for ever.
                    if shard.capacity() > 64 && shard.len() < shard.capacity() / 4 {
                        shard.shrink_to_fit();
                    }
                }
            }
        }
    }
}

/// From bits that its table does not look at.
fn shard(hash: u64) -> usize {
    usize::from(hash.to_be_bytes()[3])
}

/// Keys are hashes already.
#[derive(Debug, Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Not used: keys are numbers.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests;
