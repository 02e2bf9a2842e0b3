//! What a client says of itself so that gateways know it again.

use frontier_protocol::{Epoch, Session};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a client says of itself so that gateways know it again: one that was paused must not throw out who has come since.
pub(crate) struct ClientSession {
    client: u64,
    attempts: AtomicU32,
    /// The id that it was given last, and the epoch of its first connection under that.
    held: Mutex<(u64, Epoch)>,
}

impl ClientSession {
    pub(super) fn new() -> Self {
        let client = rand::random_range(1..=u64::MAX);
        Self { client, attempts: AtomicU32::new(0), held: Mutex::new((0, Epoch(0))) }
    }

    /// The number for attempts that begin now, one beside the other.
    pub(crate) fn next_attempt(&self) -> u32 {
        self.attempts.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// What is said in an attempt to connect under `id`.
    pub(crate) fn say(&self, attempt: u32, id: u64) -> Session {
        let (held, since) = *self.held.lock();
        let since = if held == id { since } else { Epoch(0) };
        Session { client: self.client, attempt, since }
    }

    /// A gateway has let the client in.
    pub(crate) fn welcomed(&self, id: u64, epoch: Epoch) {
        let mut held = self.held.lock();
        if held.0 != id {
            *held = (id, epoch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_connection_under_an_id_counts() {
        let session = ClientSession::new();
        assert_eq!(session.say(session.next_attempt(), 7).since, Epoch(0));
        session.welcomed(7, Epoch(10));
        session.welcomed(7, Epoch(20));
        let said = session.say(session.next_attempt(), 7);
        assert_eq!((said.attempt, said.since), (2, Epoch(10)));
        assert_eq!(session.say(3, 8).since, Epoch(0), "another id");
        session.welcomed(8, Epoch(30));
        assert_eq!(session.say(4, 8), Session { since: Epoch(30), attempt: 4, ..said });
    }
}
