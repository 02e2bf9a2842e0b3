//! How the holder of a place hears that it has gone to another.

use std::sync::Arc;
use tokio::sync::watch;

/// Set once a place has gone to another connection. Its clones are one and the same.
#[derive(Clone, Debug, Default)]
pub struct GivenUp(Arc<watch::Sender<bool>>);

impl GivenUp {
    pub(crate) fn set(&self) {
        self.0.send_replace(true);
    }

    /// Whether the place has gone to another connection.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it has.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn wait(&self) {
        // The sender is here, so this does not fail.
        let _ = self.0.subscribe().wait_for(|is_set| *is_set).await;
    }
}
