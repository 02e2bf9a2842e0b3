//! A later look at the credentials of a frontier that is connected: after a reload that says so, and when they expire.

use super::context::Context;
use frontier_access::authn::{AuthnError, PresentedCredentials};
use frontier_protocol::Code;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::time::Instant;

/// The least and the longest time until the clock is looked at again: it may have been set meanwhile.
const WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));

/// Why a frontier would not be let in now.
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) text: String,
}

impl From<AuthnError> for Refusal {
    fn from(error: AuthnError) -> Self {
        Self { code: error.code(), text: error.to_string() }
    }
}

/// What one frontier was let in by, and when that is to be looked at again.
pub(super) struct Review {
    presented: PresentedCredentials,
    expires: Option<SystemTime>,
    /// Whether it is; changes with each reload.
    enforced: watch::Receiver<bool>,
}

impl Review {
    pub(super) fn new(
        context: &Context,
        presented: PresentedCredentials,
        expires: Option<SystemTime>,
    ) -> Self {
        Self { presented, expires, enforced: context.access.enforced() }
    }

    /// Returns when it is time to [judge](Self::judge). Cancel safe.
    pub(super) async fn due(&mut self) {
        let expires = self.expires.filter(|_| *self.enforced.borrow());
        let Some(expires) = expires else { return changed(&mut self.enforced).await };
        let left = expires.duration_since(SystemTime::now()).unwrap_or_default();
        let at = Instant::now() + left.clamp(WAIT.0, WAIT.1);
        tokio::select! {
            () = changed(&mut self.enforced) => {}
            () = tokio::time::sleep_until(at) => {}
        }
    }

    /// Whether the frontier would be let in now, where that is enforced.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn judge(&mut self, context: &Context, id: &str) -> Result<(), Refusal> {
        if *self.enforced.borrow() {
            let checked = context.check_certificate(&self.presented);
            checked.map_err(|error| Refusal { code: Code::Unauthenticated, text: error.to_string() })?;
            self.expires = context.access.review_frontier(&self.presented, id)?.expires;
        }
        Ok(())
    }
}

async fn changed(enforced: &mut watch::Receiver<bool>) {
    if enforced.changed().await.is_err() {
        // Nothing is reloaded any more.
        std::future::pending().await
    }
}
