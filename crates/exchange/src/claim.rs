//! Which of two connections has an id.

use crate::hash::scatter;
use frontier_protocol::{Epoch, Session};

/// With what a connection claims its id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) epoch: Epoch,
    /// The epoch of its client's first connection under the id.
    pub(crate) since: Epoch,
    /// A digest of its client and the number of the attempt, short since each connection holds it; 0 if it does not say.
    pub(crate) attempt: u32,
}

impl Claim {
    /// The same, by what its client says of itself. A time that is yet to come counts as now.
    pub(crate) fn by(self, session: Session) -> Self {
        let Session { client, attempt, since } = session;
        let since = if since == Epoch(0) { self.epoch } else { since.min(self.epoch) };
        let digest = scatter(client ^ scatter(attempt.into()));
        let digest = u32::try_from(digest >> 32).unwrap_or_default().max(1);
        Self { since, attempt: if client == 0 { 0 } else { digest }, ..self }
    }

    /// Whether it takes the id over from `holder`: from one that was accepted earlier, unless that is an attempt of the
    /// same client beside this one, or a client that came while this one was away.
    pub(crate) fn displaces(self, holder: Self) -> bool {
        let comes_back = self.since < self.epoch;
        self.is_after(holder) && (!comes_back || self.since >= holder.since)
    }

    /// The same for one with a stronger proof of the id: a holder without a right to it gains nothing by having come
    /// while it was away.
    pub(crate) fn is_after(self, holder: Self) -> bool {
        let is_beside = self.attempt != 0 && self.attempt == holder.attempt;
        holder.epoch <= self.epoch && !is_beside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection that was accepted at `epoch`, of this client, in this attempt; it has had its id since then.
    fn claim(epoch: u64, client: u64, attempt: u32, since: u64) -> Claim {
        silent(epoch).by(Session { client, attempt, since: Epoch(since) })
    }

    /// One that says nothing of itself.
    fn silent(epoch: u64) -> Claim {
        Claim { epoch: Epoch(epoch), since: Epoch(epoch), attempt: 0 }
    }

    #[test]
    fn who_comes_later_takes_over_but_who_only_comes_back_does_not() {
        let (first, second) = (claim(10, 1, 1, 0), claim(20, 2, 1, 0));
        assert!(second.displaces(first) && !first.displaces(second));
        let first_again = claim(30, 1, 2, 10);
        assert!(!first_again.displaces(second), "the second came while it was away");
        let second_again = claim(40, 2, 2, 20);
        assert!(second_again.displaces(first_again), "both were away, and the first was back first");
        assert!(claim(50, 3, 1, 0).displaces(second_again), "one that is new");
    }

    #[test]
    fn a_client_takes_over_from_itself_but_not_from_an_attempt_beside_it() {
        let holder = claim(10, 1, 2, 5);
        assert!(claim(20, 1, 3, 5).displaces(holder));
        assert!(!claim(20, 1, 2, 5).displaces(holder));
        assert!(claim(20, 9, 2, 0).displaces(holder), "the same number of another client");
    }

    #[test]
    fn who_says_nothing_of_itself_takes_over() {
        let (old, new) = (silent(10), silent(20));
        assert!(new.displaces(old) && new.displaces(claim(15, 1, 1, 5)) && !old.displaces(new));
        assert!(!claim(20, 1, 2, 5).displaces(old), "that one came while it was away");
        assert!(claim(20, 1, 2, 15).displaces(old));
    }

    #[test]
    fn a_time_that_is_yet_to_come_counts_as_now() {
        let liar = claim(10, 1, 1, u64::MAX);
        assert!(claim(20, 2, 1, 0).displaces(liar) && claim(20, 2, 2, 15).displaces(liar));
    }

    #[test]
    fn no_word_about_its_past_gains_more_than_to_come_as_new() {
        let holder = claim(10, 1, 1, 0);
        let new = claim(20, 2, 1, 0);
        let honest =
            [claim(30, 1, 2, 10), claim(30, 1, 2, 20), claim(30, 1, 2, 25), claim(30, 3, 1, 0), silent(30)];
        for since in [1, 9, 10, 11, 19, 20, 21, u64::MAX - 1, u64::MAX] {
            let liar = claim(20, 2, 1, since);
            assert!(!liar.displaces(holder) || new.displaces(holder), "{since}");
            for honest in honest {
                assert!(honest.displaces(liar) || !honest.displaces(new), "{since} against {honest:?}");
            }
        }
    }
}
