//! The newest message of each key, in the order in which they came.

use crate::frame::Frame;
use ahash::AHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The newest message of each key. Of too many keys the one that is quiet for longest is forgotten.
#[derive(Debug)]
pub(crate) struct LastValues {
    numbers: AHashMap<Arc<str>, u64>,
    frames: BTreeMap<u64, Arc<Frame>>,
    size: usize,
    max_count: usize,
    max_size: usize,
}

impl LastValues {
    pub(crate) fn new(max_count: usize, max_size: usize) -> Self {
        Self { numbers: AHashMap::default(), frames: BTreeMap::new(), size: 0, max_count, max_size }
    }

    /// Numbers only grow. Returns how many keys were forgotten for it.
    pub(crate) fn put(&mut self, frame: Arc<Frame>) -> u64 {
        self.size += frame.size();
        if let Some(before) = self.numbers.insert(frame.key.clone(), frame.number) {
            self.size -= self.frames.remove(&before).map_or(0, |frame| frame.size());
        }
        self.frames.insert(frame.number, frame);
        let mut forgotten = 0;
        while self.frames.len() > 1 && (self.frames.len() > self.max_count || self.size > self.max_size) {
            if let Some((_, quiet)) = self.frames.pop_first() {
                self.size -= quiet.size();
                self.numbers.remove(&quiet.key);
                forgotten += 1;
            }
        }
        forgotten
    }

    /// Those with numbers from `first` to `last`, in their order.
    pub(crate) fn between(&self, first: u64, last: u64) -> impl Iterator<Item = &Arc<Frame>> {
        let range = (first <= last).then(|| self.frames.range(first..=last));
        range.into_iter().flatten().map(|(_, frame)| frame)
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::frame;

    fn numbers(values: &LastValues, first: u64, last: u64) -> Vec<u64> {
        values.between(first, last).map(|frame| frame.number).collect()
    }

    #[test]
    fn of_each_key_the_newest_is_there_at_its_own_place() {
        let mut values = LastValues::new(10, usize::MAX);
        for (number, key) in [(1, "a"), (2, "b"), (3, "a"), (4, "c"), (5, "b")] {
            assert_eq!(values.put(frame(number, key)), 0);
        }
        assert_eq!(numbers(&values, 0, 9), [3, 4, 5]);
        assert_eq!((numbers(&values, 4, 4), numbers(&values, 6, 5)), (vec![4], vec![]));
        assert_eq!(values.size(), values.between(0, 9).map(|frame| frame.size()).sum::<usize>());
    }

    #[test]
    fn keys_that_are_quiet_for_longest_are_forgotten() {
        let mut values = LastValues::new(2, usize::MAX);
        let forgotten: Vec<_> = [(1, "a"), (2, "b"), (3, "a"), (4, "c")]
            .map(|(number, key)| values.put(frame(number, key)))
            .into();
        assert_eq!((forgotten, numbers(&values, 0, 9)), (vec![0, 0, 0, 1], vec![3, 4]));
        // It is a new one when it comes again.
        assert_eq!((values.put(frame(5, "b")), numbers(&values, 0, 9)), (1, vec![4, 5]));
        let mut small = LastValues::new(10, frame(1, "a").size() + 1);
        (1..=3).for_each(|number| assert!(small.put(frame(number, &number.to_string())) < 2));
        assert_eq!((numbers(&small, 0, 9), small.size()), (vec![3], frame(1, "a").size()));
    }
}
