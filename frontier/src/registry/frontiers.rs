use crate::peer::Peer;
use ahash::AHashMap;
use parking_lot::Mutex;
use std::sync::Arc;

/// Links with other gateways: those that ask here, and those that are asked.
#[derive(Debug, Default)]
pub(crate) struct Frontiers {
    /// By epoch. The same gateway may be there more than once.
    by_epoch: Mutex<AHashMap<u64, Arc<Peer>>>,
}

impl Frontiers {
    pub(crate) fn add(&self, frontier: &Arc<Peer>) {
        self.by_epoch.lock().insert(frontier.epoch.0, frontier.clone());
    }

    pub(crate) fn remove(&self, frontier: &Arc<Peer>) {
        self.by_epoch.lock().remove(&frontier.epoch.0);
    }

    pub(crate) fn for_each(&self, visit: impl FnMut(&Arc<Peer>)) {
        self.by_epoch.lock().values().for_each(visit);
    }
}
