//! The count of a link's streams, and what they share.

use super::pace::Pace;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What the streams of one link share.
#[derive(Debug)]
pub(crate) struct Streams {
    /// How many there are, the lane aside.
    open: AtomicU32,
    pub(crate) pace: Pace,
}

impl Streams {
    /// `bulk_rate` as in [`LinkConfig`](crate::LinkConfig::bulk_rate).
    pub(crate) fn new(bulk_rate: usize) -> Self {
        Self { open: AtomicU32::new(0), pace: Pace::new(bulk_rate) }
    }

    /// How many there are, the lane aside.
    pub(crate) fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }
}

/// A place among the streams of a link, given back when dropped.
#[derive(Debug)]
pub(crate) struct StreamSlot(Arc<Streams>);

impl StreamSlot {
    /// A place below `limit`, if there is one.
    pub(crate) fn take(streams: &Arc<Streams>, limit: u32) -> Option<Self> {
        let free = |n| (n < limit).then_some(n + 1);
        let taken = streams.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free);
        taken.ok().map(|_| Self(streams.clone()))
    }

    /// A place beyond any limit, for a stream that is only answered with an error.
    pub(crate) fn take_beyond(streams: &Arc<Streams>) -> Self {
        streams.open.fetch_add(1, Ordering::Relaxed);
        Self(streams.clone())
    }

    pub(super) fn streams(&self) -> &Arc<Streams> {
        &self.0
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
