use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// For how long an attempt that was given up may still come through: as long as a gateway waits for a
/// handshake, and for what it asks services then.
const LINGERS: Duration = Duration::from_secs(15);

/// When this client last gave up an attempt to connect that had no answer yet.
///
/// Its Hello may be on its way still. Where it arrives later than that of the next attempt, at another
/// gateway for one, it takes the client's id over from the client itself. No gateway can tell that from
/// another program with the same id, so for a while being superseded is not the end.
#[derive(Debug, Default)]
pub(crate) struct Abandoned(Mutex<Option<Instant>>);

/// An attempt whose Hello has not been answered yet. Given up when it is dropped.
#[must_use]
pub(super) struct Unanswered<'a>(&'a Abandoned);

impl Abandoned {
    /// A Hello is about to be sent.
    pub(super) fn attempt(&self) -> Unanswered<'_> {
        Unanswered(self)
    }

    /// Whether one may come through now.
    pub(super) fn may_linger(&self) -> bool {
        self.0.lock().is_some_and(|given_up| given_up.elapsed() < LINGERS)
    }
}

impl Unanswered<'_> {
    pub(super) fn answered(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        *self.0.0.lock() = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_given_up_lingers_for_a_while_and_what_was_answered_does_not() {
        let abandoned = Abandoned::default();
        abandoned.attempt().answered();
        assert!(!abandoned.may_linger());
        drop(abandoned.attempt());
        assert!(abandoned.may_linger());
        tokio::time::advance(LINGERS).await;
        assert!(!abandoned.may_linger());
    }
}
