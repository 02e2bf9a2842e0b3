//! How busy a thread is, and what the connections on it are to do about that.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The share of its time for which a thread computed, in thousandths.
pub(super) type Share = u32;

/// A thread below this takes new connections.
pub(super) const FREE: Share = 600;
/// A thread from here on gives connections to another one.
pub(super) const BUSY: Share = 800;
/// Two threads that have less to do together could do with one of them. Apart they have more to do than together, so
/// this is far below what one can take.
pub(super) const LITTLE: Share = 400;

/// How many connections move in the first period; twice as many in each that follows.
const FIRST: u32 = 1;
/// The most that move in a period.
const MOST: u32 = 1 << 16;

/// The load of a thread.
#[derive(Debug, Default)]
pub(super) struct Load {
    share: AtomicU32,
    /// For how many periods in a row it was busy.
    busy_for: AtomicU32,
    /// What connections are to do that are polled here: the upper half is where to go, the lower half how many are to.
    order: AtomicU64,
}

impl Load {
    pub(super) fn share(&self) -> Share {
        self.share.load(Ordering::Relaxed)
    }

    pub(super) fn note(&self, share: Share) {
        self.share.store(share, Ordering::Relaxed);
    }

    /// Has some connections go there: none at first, since it may have been a moment, and more each time. While those that are to go
    /// have not gone yet, since they have just come or have nothing to do, it is no more of them.
    pub(super) fn move_some(&self, to: usize) {
        let left = self.left();
        // What all were told is void.
        if (1..=MOST).contains(&left) {
            return self.order(to, left);
        }
        let periods = self.busy_for.fetch_add(1, Ordering::Relaxed);
        let some = periods.checked_sub(1).map_or(0, |doublings| FIRST.checked_shl(doublings).unwrap_or(MOST));
        self.order(to, some.min(MOST));
    }

    /// Has all connections go there that have something to do; the others cost nothing where they are.
    pub(super) fn move_all(&self, to: usize) {
        self.busy_for.store(0, Ordering::Relaxed);
        self.order(to, u32::MAX);
    }

    pub(super) fn keep_all(&self) {
        self.busy_for.store(0, Ordering::Relaxed);
        self.order.store(0, Ordering::Relaxed);
    }

    /// How many are to go that have not gone yet.
    fn left(&self) -> u32 {
        u32::try_from(self.order.load(Ordering::Relaxed) & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    }

    fn order(&self, to: usize, some: u32) {
        let to = u32::try_from(to).unwrap_or_default();
        self.order.store(u64::from(to) << 32 | u64::from(some), Ordering::Relaxed);
    }

    /// Whether any connection is to go.
    #[inline]
    pub(super) fn has_order(&self) -> bool {
        self.order.load(Ordering::Relaxed) != 0
    }

    /// Where a connection that is polled here is to go, if it is one of those that are to.
    pub(super) fn take_order(&self) -> Option<usize> {
        let less = |order: u64| (order & u64::from(u32::MAX) > 0).then(|| order - 1);
        let taken = self.order.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.ok().and_then(|order| usize::try_from(order >> 32).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_go_the_longer_a_thread_is_busy() {
        let load = Load::default();
        let mut moved = Vec::new();
        for _ in 0..5 {
            load.move_some(3);
            moved.push(std::iter::from_fn(|| load.take_order()).inspect(|to| assert_eq!(*to, 3)).count());
        }
        assert_eq!(moved, [0, 1, 2, 4, 8], "a moment is none");
        load.keep_all();
        load.move_some(3);
        assert_eq!(load.take_order(), None, "it was not busy between");
        for _ in 0..100 {
            load.move_some(3);
        }
        assert!(load.has_order(), "however long it lasts");
    }

    #[test]
    fn those_that_could_not_go_yet_do_not_become_more() {
        let load = Load::default();
        for _ in 0..20 {
            load.move_some(3);
        }
        load.move_some(4);
        assert_eq!((load.take_order(), load.take_order()), (Some(4), None), "one, and where it is to go now");
        load.move_some(4);
        assert_eq!(std::iter::from_fn(|| load.take_order()).count(), 2, "more, once it has gone");
    }

    #[test]
    fn none_goes_that_need_not() {
        let load = Load::default();
        assert_eq!((load.has_order(), load.take_order()), (false, None));
        load.move_all(0);
        assert!((0..1000).all(|_| load.take_order() == Some(0)));
        load.keep_all();
        assert_eq!((load.has_order(), load.take_order()), (false, None));
    }
}
