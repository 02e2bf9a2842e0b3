//! The TLS of a running node: what a reload changes of it, and when what is shown and trusted ends.

use crate::Config;
use frontier_transport::{ClientTls, ExpiryLog, ServerTls};
use parking_lot::Mutex;
use std::sync::Arc;

/// What is in use. Clones are the same.
#[derive(Clone)]
pub(crate) struct LiveTls {
    control_plane: Option<ServerTls>,
    frontier_plane: Option<ServerTls>,
    /// For Redis: to look at.
    redis: Arc<Mutex<Option<ClientTls>>>,
}

impl LiveTls {
    /// Of a node that starts with this configuration.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            control_plane: config.control_plane.server.tls.clone(),
            frontier_plane: config.frontier_plane.listen.tls.clone(),
            redis: Arc::new(Mutex::new(config.redis_tls())),
        }
    }

    /// Goes by what `config` has loaded from now on. Whether TLS is spoken takes a restart.
    pub(crate) fn adopt(&self, config: &Config) {
        let of_planes = [
            (&self.control_plane, &config.control_plane.server.tls),
            (&self.frontier_plane, &config.frontier_plane.listen.tls),
        ];
        for (live, loaded) in of_planes {
            if let (Some(live), Some(loaded)) = (live, loaded) {
                live.adopt(loaded);
            }
        }
        *self.redis.lock() = config.redis_tls();
    }

    /// Looks at the ends of all of it.
    pub(crate) fn expiry_log(&self) -> ExpiryLog {
        let planes = self.control_plane.iter().chain(&self.frontier_plane);
        let log = planes.cloned().fold(ExpiryLog::new(), ExpiryLog::server);
        let redis = self.redis.clone();
        log.look(move || {
            let redis = redis.lock().clone();
            redis.map(|tls| tls.lifetimes()).unwrap_or_default()
        })
    }
}
