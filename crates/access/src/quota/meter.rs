//! What charges one connection's actions to the quotas that it is under, and the error when one is used up.

use super::Bucket;
use super::bucket::nanos;
use super::set::{BucketSet, Kind};
use frontier_protocol::Code;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Counts what one connection does, against all quotas that it is under. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Meter {
    start: Instant,
    sets: Arc<[Arc<BucketSet>]>,
}

impl Meter {
    pub(super) fn new(start: Instant, sets: Vec<Arc<BucketSet>>) -> Self {
        // An empty list from a Vec would be an allocation for each of a million edges; this one is shared.
        let sets = if sets.is_empty() { Arc::default() } else { sets.into() };
        Self { start, sets }
    }

    /// Whether the connection is under no quota, so that nothing need be asked, not even the time.
    #[inline]
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.sets.is_empty()
    }

    /// Charges a message with so many bytes of payload.
    ///
    /// # Errors
    /// [`QuotaExceeded`]; nothing is charged then.
    #[inline]
    pub fn message(&self, bytes: usize, now: Instant) -> Result<(), QuotaExceeded> {
        if self.is_unlimited() {
            return Ok(());
        }
        self.take(&[(Kind::Messages, 1), (Kind::Bytes, bytes as u64)], now)
    }

    /// Charges a call with so many bytes of payload.
    ///
    /// # Errors
    /// [`QuotaExceeded`]; nothing is charged then.
    #[inline]
    pub fn call(&self, bytes: usize, now: Instant) -> Result<(), QuotaExceeded> {
        if self.is_unlimited() {
            return Ok(());
        }
        self.take(&[(Kind::Calls, 1), (Kind::Bytes, bytes as u64)], now)
    }

    /// Charges the opening of a stream.
    ///
    /// # Errors
    /// [`QuotaExceeded`]; nothing is charged then.
    #[inline]
    pub fn stream(&self, now: Instant) -> Result<(), QuotaExceeded> {
        if self.is_unlimited() {
            return Ok(());
        }
        self.take(&[(Kind::Streams, 1)], now)
    }

    /// Charges bytes that belong to none of these, such as a piece of a stream. A stream that is over its quota
    /// waits for [`QuotaExceeded::retry_after`] before it reads on.
    ///
    /// # Errors
    /// [`QuotaExceeded`]; nothing is charged then.
    #[inline]
    pub fn bytes(&self, bytes: usize, now: Instant) -> Result<(), QuotaExceeded> {
        if self.is_unlimited() {
            return Ok(());
        }
        self.take(&[(Kind::Bytes, bytes as u64)], now)
    }

    /// Gives back bytes that were charged and did not come.
    pub fn give_back_bytes(&self, bytes: u64) {
        self.buckets(&[(Kind::Bytes, bytes)]).for_each(|(.., bucket, count)| bucket.give_back(count));
    }

    /// Takes all of it, or nothing.
    pub(super) fn take(&self, costs: &[(Kind, u64)], now: Instant) -> Result<(), QuotaExceeded> {
        let now = nanos(self.start, now);
        for (index, (set, kind, bucket, count)) in self.buckets(costs).enumerate() {
            if let Err(retry_after) = bucket.take(count, now) {
                self.buckets(costs).take(index).for_each(|(.., bucket, count)| bucket.give_back(count));
                return Err(QuotaExceeded { retry_after, which: kind.name(), scope: set.scope.clone() });
            }
        }
        Ok(())
    }

    fn buckets<'m>(
        &'m self,
        costs: &'m [(Kind, u64)],
    ) -> impl Iterator<Item = (&'m BucketSet, Kind, &'m Bucket, u64)> {
        let of_set = move |set: &'m Arc<BucketSet>| {
            costs.iter().filter_map(move |&(kind, count)| Some((&**set, kind, set.bucket(kind)?, count)))
        };
        self.sets.iter().flat_map(of_set)
    }
}

/// A quota is used up. Nothing was charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaExceeded {
    /// When it is worth trying again.
    pub retry_after: Duration,
    /// What there was too much of: `messages`, `bytes`, `calls`, `streams` or `connects`.
    pub which: &'static str,
    /// Whose quota it is: `edge`, `address` or `label tenant`.
    pub scope: Arc<str>,
}

impl QuotaExceeded {
    /// The code for the peer: always [`Code::Overloaded`], which says that trying again may help.
    #[must_use]
    pub fn code(&self) -> Code {
        Code::Overloaded
    }
}

/// Waits are shown in whole milliseconds, rounded up: whoever parses and obeys them is not too early.
impl fmt::Display for QuotaExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.retry_after.as_nanos().div_ceil(1_000_000);
        write!(f, "over the quota of {} per {}, try again in {millis}ms", self.which, self.scope)
    }
}

impl std::error::Error for QuotaExceeded {}
