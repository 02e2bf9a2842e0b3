//! What is granted to one session.

use frontier_sessions::Grant;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Grants that a session has not taken yet. Only the dispatchers and that session know it.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    grants: Mutex<Vec<Grant>>,
    filled: Notify,
}

impl Mailbox {
    /// Some more.
    pub(super) fn put(&self, grants: &mut Vec<Grant>) {
        self.grants.lock().append(grants);
        self.filled.notify_one();
    }

    /// Waits until there are some, and takes them all.
    ///
    /// # Cancel safety
    /// Cancel safe: none is lost.
    pub(crate) async fn take(&self) -> Vec<Grant> {
        loop {
            let grants = std::mem::take(&mut *self.grants.lock());
            if !grants.is_empty() {
                return grants;
            }
            self.filled.notified().await;
        }
    }
}
