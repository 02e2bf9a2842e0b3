//! What of a running broker a reload changes.

use crate::Config;
use crate::config::{PLANES, StoreConfig};
use frontier_admin::LiveAccess;
use frontier_daemon::reload::Reload;
use frontier_sessions_redis::RedisStore;
use frontier_transport::ServerTls;
use std::fmt;
use tracing::{info, warn};

/// A running broker, as far as it can be changed: who may use it, its certificates, and how it shows itself to Redis.
#[derive(Clone)]
pub struct Live {
    pub(crate) tls: Option<ServerTls>,
    pub(crate) access: LiveAccess,
    pub(crate) redis: Option<RedisStore>,
}

impl frontier_daemon::reloader::Live for Live {
    type Config = Config;
    type Outcome = ();

    fn reload(&self, config: &Config) -> Result<(), Vec<String>> {
        let mistakes = config.check_files();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let access = self.access.read_again(&config.access);
        let access =
            access.map_err(|errors| errors.to_string().lines().map(str::to_owned).collect::<Vec<_>>())?;
        self.access.put_in_place(access);
        if let (Some(live), Some(loaded)) = (&self.tls, &config.sessions.server.tls) {
            live.adopt(loaded);
        }
        if let (Some(live), Some(loaded)) = (&self.redis, config.store.as_ref().and_then(StoreConfig::redis))
        {
            live.reconfigure(&loaded.store.redis);
        }
        Ok(())
    }

    fn reloaded(&self, cause: &Reload, config: &Config, (): ()) {
        let lines = config.exposed().into_iter().chain(self.access.warnings(PLANES));
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
