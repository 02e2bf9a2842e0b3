//! The buckets of one quota, one for each kind of action.

use super::{Bucket, QuotaConfig};
use crate::bounded_map::Retention;
use std::sync::Arc;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Messages,
    Bytes,
    Calls,
    Streams,
    Connects,
}

impl Kind {
    /// In the order of their numbers, with their keys in the file.
    pub(super) const ALL: [(Self, &'static str); 5] = [
        (Self::Messages, "messages"),
        (Self::Bytes, "bytes"),
        (Self::Calls, "calls"),
        (Self::Streams, "streams"),
        (Self::Connects, "connects"),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// The buckets of one quota for one edge, address or value of a label.
#[derive(Debug)]
pub(super) struct BucketSet {
    pub(super) scope: Arc<str>,
    buckets: [Option<Bucket>; Kind::ALL.len()],
}

impl BucketSet {
    pub(super) fn new(quota: &QuotaConfig) -> Self {
        Self { scope: quota.scope_name.clone(), buckets: quota.limits.map(|limit| limit.map(Bucket::new)) }
    }

    pub(super) fn bucket(&self, kind: Kind) -> Option<&Bucket> {
        self.buckets[kind as usize].as_ref()
    }

    /// Nothing if all buckets are full; something, if not; and it is in use if a connection holds it.
    pub(super) fn retention(set: &Arc<Self>, now: u64) -> Retention {
        if Arc::strong_count(set) > 1 {
            return Retention::Pinned;
        }
        match set.buckets.iter().flatten().map(Bucket::full_at).max() {
            Some(full_at) if full_at > now => Retention::Keep(full_at),
            _ => Retention::Discard,
        }
    }
}
