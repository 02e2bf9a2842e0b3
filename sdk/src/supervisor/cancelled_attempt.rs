//! Remembers an attempt to connect that was cancelled, and may take the client's id over all the same.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// For how long a cancelled attempt may still come through: as long as a gateway waits for a handshake, and
/// for its own calls to services then.
const LATE_HELLO_TIMEOUT: Duration = Duration::from_secs(15);

/// When this client last cancelled an attempt to connect whose Hello had no answer yet.
///
/// That Hello may be on its way still. Where it arrives later than that of the next attempt, at another gateway
/// for one, it takes the client's id over from the client itself. No gateway can tell that from another program
/// with the same id, so for a while being superseded is not the end.
#[derive(Debug, Default)]
pub(crate) struct CancelledAttempt(Mutex<Option<Instant>>);

/// A Hello without an answer. Counts as a cancelled attempt when it is dropped.
#[must_use]
pub(super) struct UnansweredHello<'a>(&'a CancelledAttempt);

impl CancelledAttempt {
    /// A Hello is about to be sent.
    pub(super) fn hello(&self) -> UnansweredHello<'_> {
        UnansweredHello(self)
    }

    /// Whether a cancelled attempt may come through now.
    pub(super) fn may_come_through(&self) -> bool {
        self.0.lock().is_some_and(|cancelled| cancelled.elapsed() < LATE_HELLO_TIMEOUT)
    }
}

impl UnansweredHello<'_> {
    pub(super) fn answered(self) {
        std::mem::forget(self);
    }
}

impl Drop for UnansweredHello<'_> {
    fn drop(&mut self) {
        *self.0.0.lock() = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_attempt_may_come_through_for_a_while_and_an_answered_one_may_not() {
        let attempt = CancelledAttempt::default();
        attempt.hello().answered();
        assert!(!attempt.may_come_through());
        drop(attempt.hello());
        assert!(attempt.may_come_through());
        tokio::time::advance(LATE_HELLO_TIMEOUT).await;
        assert!(!attempt.may_come_through());
    }
}
