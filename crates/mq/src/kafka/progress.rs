//! How far a group has come in each partition: what may be committed is everything before the first record that has not
//! ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A partition of a topic.
pub(super) type Partition = (String, i32);

/// Offsets behind the last record that came of each partition, whoever has it now.
pub(super) type Seen = HashMap<Partition, i64>;

/// Of all partitions that are assigned here.
#[derive(Debug, Default)]
pub(super) struct Progress {
    partitions: BTreeMap<Partition, Position>,
    /// Where each record is that is held, by its number here.
    held: HashMap<u64, (Partition, i64)>,
    seen: Seen,
}

#[derive(Debug, Default)]
struct Position {
    /// Offsets of records that are held.
    held: BTreeMap<i64, u64>,
    /// Behind the last record that came.
    next: i64,
    committed: Option<i64>,
}

impl Position {
    /// The offset of the first record that is not done.
    fn done(&self) -> i64 {
        self.held.keys().next().copied().unwrap_or(self.next)
    }
}

impl Progress {
    /// With what is known from before.
    pub(super) fn new(seen: Seen) -> Self {
        Self { seen, ..Self::default() }
    }

    /// A record has come, and is held under that number.
    pub(super) fn take(&mut self, partition: &Partition, offset: i64, number: u64) {
        if !self.partitions.contains_key(partition) {
            self.partitions.insert(partition.clone(), Position::default());
        }
        let Some(position) = self.partitions.get_mut(partition) else { return };
        position.held.insert(offset, number);
        position.next = position.next.max(offset + 1);
        match self.seen.get_mut(partition) {
            Some(seen) => *seen = (*seen).max(offset + 1),
            None => {
                self.seen.insert(partition.clone(), offset + 1);
            }
        }
        self.held.insert(number, (partition.clone(), offset));
    }

    /// Whether that record has come before.
    pub(super) fn has_seen(&self, partition: &Partition, offset: i64) -> bool {
        self.seen.get(partition).is_some_and(|seen| offset < *seen)
    }

    /// Those of these numbers have ended that are known here.
    pub(super) fn end(&mut self, numbers: impl Iterator<Item = u64>) {
        for number in numbers {
            let Some((partition, offset)) = self.held.remove(&number) else { continue };
            if let Some(position) = self.partitions.get_mut(&partition) {
                position.held.remove(&offset);
            }
        }
    }

    /// How many records lie between the first one of it that has not ended, and the last one that came.
    pub(super) fn ahead(&self, partition: &Partition) -> usize {
        let ahead = self.partitions.get(partition).map_or(0, |position| position.next - position.done());
        usize::try_from(ahead).unwrap_or(0)
    }

    /// Whether a record of these partitions has not ended.
    pub(super) fn holds(&self, partitions: &[Partition]) -> bool {
        let holds =
            |partition| self.partitions.get(partition).is_some_and(|position| !position.held.is_empty());
        partitions.iter().any(holds)
    }

    /// What is to be committed, of these partitions or of all.
    pub(super) fn uncommitted(&self, of: Option<&[Partition]>) -> Vec<(Partition, i64)> {
        let wanted = |partition: &Partition| of.is_none_or(|of| of.contains(partition));
        let moved = self.partitions.iter().filter(|(partition, _)| wanted(partition));
        moved
            .filter(|(_, position)| position.committed.is_none_or(|committed| committed < position.done()))
            .map(|(partition, position)| (partition.clone(), position.done()))
            .collect()
    }

    /// This was committed.
    pub(super) fn committed(&mut self, offsets: &[(Partition, i64)]) {
        for (partition, offset) in offsets {
            if let Some(position) = self.partitions.get_mut(partition) {
                position.committed = position.committed.max(Some(*offset));
            }
        }
    }

    /// These are another member's from here on, or nobody's: the numbers of the records that are held of them.
    pub(super) fn lose(&mut self, is_lost: impl Fn(&Partition) -> bool) -> BTreeSet<u64> {
        let mut numbers = BTreeSet::new();
        self.partitions.retain(|partition, position| {
            let is_lost = is_lost(partition);
            if is_lost {
                numbers.extend(position.held.values());
            }
            !is_lost
        });
        self.held.retain(|number, _| !numbers.contains(number));
        numbers
    }

    /// What was seen of these partitions is nothing to those that come.
    pub(super) fn forget_seen(&mut self, is_gone: impl Fn(&Partition) -> bool) {
        self.seen.retain(|partition, _| !is_gone(partition));
    }

    /// What is known for the next one.
    pub(super) fn take_seen(&mut self) -> Seen {
        std::mem::take(&mut self.seen)
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(number: i32) -> Partition {
        ("t".to_owned(), number)
    }

    #[test]
    fn only_what_has_no_gap_before_it_is_committed() {
        let mut progress = Progress::default();
        for (number, offset) in [(1, 10), (2, 11), (3, 13)] {
            progress.take(&partition(0), offset, number);
        }
        // Before anything has ended: the group begins with the first again.
        assert_eq!(progress.uncommitted(None), [(partition(0), 10)]);
        assert_eq!((progress.ahead(&partition(0)), progress.ahead(&partition(1))), (4, 0));
        progress.committed(&[(partition(0), 10)]);
        progress.end([2, 3].into_iter());
        assert!(progress.uncommitted(None).is_empty(), "10 has not ended");
        assert!(progress.holds(&[partition(1), partition(0)]) && progress.ahead(&partition(0)) == 4);
        progress.end([1, 99].into_iter());
        assert_eq!(progress.uncommitted(None), [(partition(0), 14)]);
        assert!(progress.uncommitted(Some(&[partition(1)])).is_empty());
        assert!(!progress.holds(&[partition(0)]) && progress.ahead(&partition(0)) == 0);
        progress.committed(&[(partition(0), 14)]);
        assert!(progress.uncommitted(None).is_empty() && progress.len() == 0);
    }

    #[test]
    fn partitions_that_go_elsewhere_take_their_records_with_them() {
        let mut progress = Progress::default();
        progress.take(&partition(0), 1, 1);
        progress.take(&partition(1), 1, 2);
        assert_eq!(progress.lose(|it| *it == partition(0)), BTreeSet::from([1]));
        progress.end([1].into_iter());
        assert_eq!(progress.uncommitted(None), [(partition(1), 1)]);
        // It comes back, from where the other one was.
        progress.take(&partition(0), 5, 3);
        assert_eq!(progress.lose(|_| true), BTreeSet::from([2, 3]));
        assert_eq!(progress.len(), 0);
    }

    #[test]
    fn what_came_once_is_known_by_whoever_goes_on() {
        let mut progress = Progress::default();
        progress.take(&partition(0), 7, 1);
        progress.take(&partition(1), 7, 2);
        assert!(progress.has_seen(&partition(0), 7) && !progress.has_seen(&partition(0), 8));
        progress.lose(|_| true);
        progress.forget_seen(|it| *it == partition(1));
        let next = Progress::new(progress.take_seen());
        assert!(next.has_seen(&partition(0), 3) && !next.has_seen(&partition(1), 3));
        assert!(!progress.has_seen(&partition(0), 7));
    }
}
