//! What of a running node a reload changes.

use crate::config::Store;
use crate::tls::LiveTls;
use crate::{Config, PlaneAccess, RedisDirectory};
use frontier_daemon::reload::Reload;
use std::fmt;
use std::sync::Arc;
use tracing::{info, warn};

/// A running node, as far as it can be changed: who may connect to its planes, their certificates, and how it logs in at
/// Redis.
#[derive(Clone)]
pub struct Live {
    tls: LiveTls,
    access: PlaneAccess,
    redis: Option<Arc<RedisDirectory>>,
}

impl Live {
    pub(crate) fn new(tls: LiveTls, access: PlaneAccess, redis: Option<Arc<RedisDirectory>>) -> Self {
        Self { tls, access, redis }
    }

    /// Puts in place what can change at run time. Blocks while it reads files.
    ///
    /// # Errors
    /// A line for each file that is of no use; nothing has changed then.
    pub fn reload(&self, config: &Config) -> Result<(), Vec<String>> {
        let mistakes = config.check_files();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let access = self.access.reload(&config.access);
        let access =
            access.map_err(|errors| errors.to_string().lines().map(str::to_owned).collect::<Vec<_>>())?;
        self.tls.adopt(config);
        access.put_in_place(config.enforce);
        if let (Some(live), Store::Redis(redis)) = (&self.redis, &config.store) {
            live.reconfigure(redis);
        }
        Ok(())
    }
}

impl frontier_daemon::reloader::Live for Live {
    type Config = Config;
    type Outcome = ();

    fn reload(&self, config: &Config) -> Result<(), Vec<String>> {
        self.reload(config)
    }

    fn reloaded(&self, cause: &Reload, config: &Config, (): ()) {
        let lines = config.exposed_planes().into_iter().chain(self.access.warnings());
        for line in lines.chain(config.tls_warnings()) {
            warn!("{line}");
        }
        info!(%cause, "reloaded");
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}
