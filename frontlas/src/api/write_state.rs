//! Whether the directory takes writes: what is missing in one that does not may only have lapsed.

use crate::directory::{Answer, DirectoryError};
use frontier_admin::ApiError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the last check of the directory has shown.
#[derive(Clone, Debug, Default)]
pub(super) struct WriteState(Arc<AtomicBool>);

impl WriteState {
    /// Makes a check, and notes how it went.
    pub(super) async fn check(&self, check: Answer<'_, ()>) -> Result<(), DirectoryError> {
        let mut outcome = Outcome { state: self, is_failing: true };
        let checked = check.await;
        outcome.is_failing = checked.is_err();
        checked
    }

    /// Refuses to say that somebody is not there while nobody could be kept there.
    pub(super) fn check_absent(&self, is_missing: bool) -> Result<(), ApiError> {
        match is_missing && self.0.load(Ordering::Relaxed) {
            true => Err(ApiError::Unavailable("the directory")),
            false => Ok(()),
        }
    }
}

/// Notes how a check went when it is dropped: one that takes too long is given up and has failed.
struct Outcome<'a> {
    state: &'a WriteState,
    is_failing: bool,
}

impl Drop for Outcome<'_> {
    fn drop(&mut self) {
        self.state.0.store(self.is_failing, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn nobody_is_absent_after_a_check_that_failed_or_took_too_long() {
        let state = WriteState::default();
        let absent = || state.check_absent(true);
        assert_eq!(absent(), Ok(()));
        let failed = || Box::pin(async { Err(DirectoryError::Unavailable("no".into())) });
        state.check(failed()).await.unwrap_err();
        assert_eq!(absent(), Err(ApiError::Unavailable("the directory")));
        assert_eq!(state.check_absent(false), Ok(()));
        state.check(Box::pin(async { Ok(()) })).await.unwrap();
        assert_eq!(absent(), Ok(()));
        let endless = state.check(Box::pin(std::future::pending()));
        tokio::time::timeout(Duration::from_secs(1), endless).await.unwrap_err();
        absent().unwrap_err();
    }
}
