//! The lists of methods that edges tell of, each kept once: thousands of edges tell the same.

use crate::RegistrationError;
use ahash::{AHashMap, RandomState};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

/// Tables by which the lists are shared out. Under none of their locks is more than a fraction of all moved.
const SHARDS: usize = 64;

/// What a list takes beside its names, in bytes: its fields, what the allocator adds, its place among the others.
const OVERHEAD: usize = 160;

/// Where a name ends.
type End = u32;

/// Lists by their hashes. Of two with one hash the later is not found again, and kept for its edge alone.
type Shard = Mutex<AHashMap<u64, Weak<MethodList>>>;

/// All lists that some edge has.
#[derive(Debug)]
pub(super) struct MethodLists {
    shards: Box<[Shard]>,
    hasher: RandomState,
    taken: AtomicUsize,
}

/// Methods in their order, none of them twice. A list does not change, and goes with the last edge that has it.
#[derive(Debug)]
pub(crate) struct MethodList {
    names: Names,
    hash: u64,
    home: Arc<MethodLists>,
}

/// One text for all names, which takes less than a pointer for each would.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Names {
    text: Box<str>,
    ends: Box<[End]>,
}

impl Default for MethodLists {
    fn default() -> Self {
        let shards = std::iter::repeat_with(Shard::default).take(SHARDS).collect();
        Self { shards, hasher: RandomState::new(), taken: AtomicUsize::new(0) }
    }
}

impl MethodLists {
    /// What all lists take, in bytes.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// The list of these names, which are in order and not twice there. `max` is what all lists may take.
    ///
    /// # Errors
    /// [`RegistrationError::TooMuchOfEdges`] if it is a new one, and there is no room for it.
    pub(super) fn list(
        self: &Arc<Self>,
        names: &[&str],
        max: usize,
    ) -> Result<Arc<MethodList>, RegistrationError> {
        let names = Names::new(names);
        let hash = self.hasher.hash_one(&names);
        let mut shard = self.shard(hash).lock();
        // What is let go of here must outlive the lock, which its end takes.
        let known = shard.get(&hash).and_then(Weak::upgrade);
        if let Some(known) = known.as_ref().filter(|known| known.names == names) {
            return Ok(known.clone());
        }
        let cost = names.cost();
        if self.taken.fetch_add(cost, Ordering::Relaxed).saturating_add(cost) > max {
            self.taken.fetch_sub(cost, Ordering::Relaxed);
            return Err(RegistrationError::TooMuchOfEdges(max));
        }
        let list = Arc::new(MethodList { names, hash, home: self.clone() });
        if known.is_none() {
            shard.insert(hash, Arc::downgrade(&list));
        }
        drop(shard);
        Ok(list)
    }

    fn shard(&self, hash: u64) -> &Shard {
        // From bits that the tables do not look at.
        &self.shards[usize::from(hash.to_be_bytes()[3]) % SHARDS]
    }

    fn forget(&self, list: &MethodList) {
        self.taken.fetch_sub(list.names.cost(), Ordering::Relaxed);
        let mut shard = self.shard(list.hash).lock();
        // Another one may have taken its place meanwhile.
        if shard.get(&list.hash).is_some_and(|kept| std::ptr::eq(kept.as_ptr(), list)) {
            shard.remove(&list.hash);
            // One burst is no reason to hold its memory for ever.
            if shard.capacity() > 64 && shard.len() < shard.capacity() / 4 {
                shard.shrink_to_fit();
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

impl MethodList {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.names.ends.len()
    }

    /// The methods, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.names.get(index))
    }

    pub(crate) fn contains(&self, method: &str) -> bool {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            match self.names.get(middle).cmp(method) {
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        false
    }
}

impl Drop for MethodList {
    fn drop(&mut self) {
        self.home.forget(self);
    }
}

impl Names {
    fn new(names: &[&str]) -> Self {
        let mut end: End = 0;
        let ends = names.iter().map(|name| {
            // Limits keep the names of one edge far below 4 GiB together.
            end = end.saturating_add(End::try_from(name.len()).unwrap_or(End::MAX));
            end
        });
        Self { ends: ends.collect(), text: names.concat().into() }
    }

    fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[index] as usize]
    }

    fn cost(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<End>() + OVERHEAD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> Arc<MethodLists> {
        Arc::default()
    }

    #[test]
    fn a_list_is_kept_once_and_goes_with_the_last_who_has_it() {
        let lists = lists();
        let first = lists.list(&["a", "bc", "d"], 1000).unwrap();
        let taken = lists.taken();
        let second = lists.list(&["a", "bc", "d"], 0).expect("it takes no more room");
        assert!(Arc::ptr_eq(&first, &second) && lists.taken() == taken);
        let other = lists.list(&["ab", "c", "d"], 1000).unwrap();
        assert_eq!(
            (lists.len(), lists.taken()),
            (2, 2 * taken),
            "the same text, cut elsewhere, is another list"
        );
        drop((first, other));
        assert_eq!((lists.len(), lists.taken()), (1, taken));
        drop(second);
        assert_eq!((lists.len(), lists.taken()), (0, 0));
    }

    #[test]
    fn its_names_are_found_and_no_others() {
        let names = ["", "a", "ab", "b", "größe", "z"];
        let list = lists().list(&names, 1000).unwrap();
        assert_eq!((list.len(), list.iter().collect::<Vec<_>>()), (6, names.to_vec()));
        assert!(names.iter().all(|name| list.contains(name)));
        assert!(!["A", "aa", "abb", "c", "größ", "zz"].iter().any(|name| list.contains(name)));
    }

    #[test]
    fn all_of_them_have_a_limit_and_there_is_room_again() {
        let lists = lists();
        let cost = Names::new(&["a"]).cost();
        let first = lists.list(&["a"], 2 * cost).unwrap();
        let _second = lists.list(&["b"], 2 * cost).unwrap();
        let error = lists.list(&["c"], 2 * cost).unwrap_err();
        assert_eq!(error, RegistrationError::TooMuchOfEdges(2 * cost));
        assert_eq!(lists.taken(), 2 * cost);
        drop(first);
        let _third = lists.list(&["c"], 2 * cost).unwrap();
    }

    #[test]
    fn lists_that_come_and_go_on_many_threads_leave_nothing() {
        let lists = lists();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for turn in 0..5000 {
                        let name = ["a", "b", "c"][turn % 3];
                        let list = lists.list(&[name], usize::MAX).unwrap();
                        assert!(list.contains(name));
                    }
                });
            }
        });
        assert_eq!((lists.len(), lists.taken()), (0, 0));
    }
}
