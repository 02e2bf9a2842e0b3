//! What of a client's requests is committed.

use crate::fault::{Fault, FaultCode};
use crate::id::{BatchId, Sequence};
use std::ops::Range;

/// The requests of one client, as numbers.
///
/// ```text
///   0 ─────────── committed ─────────── end
///     they count              they will     the next one
/// ```
///
/// A client that does not know what of its last requests arrived takes a higher batch id: those that were not committed are
/// gone, and it sends them again. A flush says how many requests the client has sent with this batch id, in all, so it may be
/// said again when its answer was lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    id: BatchId,
    /// How many have come with this batch id.
    received: u64,
    committed: Sequence,
    end: Sequence,
}

/// A commit, as a store keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// That of the client at this time.
    pub batch: BatchId,
    /// How many requests have come with this batch id.
    pub received: u64,
    /// The requests below it are committed.
    pub before: Sequence,
    /// Whether no more follow.
    pub ended: bool,
}

impl Batch {
    /// As it was when `commit` was made.
    #[must_use]
    pub fn recovered(commit: &Commit) -> Self {
        let Commit { batch, received, before, ended: _ } = *commit;
        Self { id: batch, received, committed: before, end: before }
    }

    /// Whether requests may come with this batch id, and whether those that were not committed are gone with it.
    ///
    /// # Errors
    /// [`FaultCode::StaleBatch`] if there was a higher one.
    pub fn admit(&self, id: BatchId) -> Result<bool, Fault> {
        if id < self.id {
            let text = format!("the batch id is {id}, and {} has come before", self.id);
            return Err(Fault::new(FaultCode::StaleBatch, text));
        }
        Ok(id > self.id)
    }

    /// Begins a higher batch id. What was not committed is gone if `discards`, and told.
    pub fn begin(&mut self, id: BatchId, discards: bool) -> Range<Sequence> {
        let gone = if discards { self.committed..self.end } else { self.end..self.end };
        self.end = gone.start;
        (self.id, self.received) = (id, 0);
        gone
    }

    /// The numbers of `count` more requests.
    pub fn append(&mut self, count: u64) -> Range<Sequence> {
        let added = self.end..self.end + count;
        (self.end, self.received) = (added.end, self.received + count);
        added
    }

    /// What a commit would keep, were there so many more requests.
    #[must_use]
    pub fn with(&self, more: u64) -> Commit {
        Commit { batch: self.id, received: self.received + more, before: self.end + more, ended: false }
    }

    /// What a commit would keep, if `sent` requests have come with this batch id.
    ///
    /// # Errors
    /// [`FaultCode::StaleBatch`], or [`FaultCode::FlushIncomplete`] if fewer have come.
    pub fn commit(&self, id: BatchId, sent: Option<u64>, ended: bool) -> Result<Commit, Fault> {
        let received = if self.admit(id)? { 0 } else { self.received };
        if sent.is_some_and(|sent| sent > received) {
            let sent = sent.unwrap_or_default();
            let text = format!("{sent} requests were sent with the batch id {id}, and {received} have come");
            return Err(Fault::new(FaultCode::FlushIncomplete, text));
        }
        Ok(Commit { batch: self.id, received: self.received, before: self.end, ended })
    }

    /// The commit is kept.
    pub fn committed(&mut self, commit: &Commit) {
        self.committed = self.committed.max(commit.before);
    }

    /// How many requests there are.
    #[must_use]
    pub fn end(&self) -> Sequence {
        self.end
    }

    /// The requests below it are committed.
    #[must_use]
    pub fn before(&self) -> Sequence {
        self.committed
    }

    /// The batch id.
    #[must_use]
    pub fn id(&self) -> BatchId {
        self.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_may_be_said_again_and_tells_of_requests_that_were_lost() {
        let mut batch = Batch::default();
        assert_eq!(batch.append(3), 0..3);
        let commit = batch.commit(0, Some(3), false).unwrap();
        batch.committed(&commit);
        assert_eq!(batch.commit(0, Some(3), false).unwrap(), commit, "its answer was lost");
        assert_eq!(batch.commit(0, Some(4), false).unwrap_err().code, FaultCode::FlushIncomplete);
        assert_eq!(batch.append(1), 3..4);
        assert_eq!(batch.commit(0, Some(4), true).unwrap().before, 4);
    }

    #[test]
    fn what_was_not_committed_is_gone_with_a_higher_batch_id_and_a_lower_one_is_refused() {
        let mut batch = Batch::default();
        batch.append(2);
        batch.committed(&batch.commit(0, None, false).unwrap());
        batch.append(5);
        assert!(batch.admit(7).unwrap());
        assert_eq!(batch.begin(7, true), 2..7);
        assert_eq!(batch.append(1), 2..3);
        assert_eq!(batch.admit(6).unwrap_err().code, FaultCode::StaleBatch);
        assert_eq!(batch.commit(6, None, false).unwrap_err().code, FaultCode::StaleBatch);
        // One that has not come at all has brought nothing.
        assert_eq!(batch.commit(8, Some(1), false).unwrap_err().code, FaultCode::FlushIncomplete);
    }
}
