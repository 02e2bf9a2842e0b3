//! The last handle of a cluster's service ends it.

use super::Cluster;
use std::ops::Deref;
use std::sync::Arc;

/// A handle of a cluster's service. When the last one is dropped everything ends at once.
#[derive(Clone)]
pub(crate) struct Handle(Arc<CloseOnDrop>);

struct CloseOnDrop(Arc<Cluster>);

impl Handle {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        Self(Arc::new(CloseOnDrop(cluster)))
    }
}

impl Deref for Handle {
    type Target = Arc<Cluster>;

    fn deref(&self) -> &Arc<Cluster> {
        &self.0.0
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.life.kill.cancel();
    }
}
