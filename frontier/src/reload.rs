//! Reading the configuration again while the gateway runs.
//!
//! ```text
//!   SIGHUP, a file has changed ─▶ read and check everything ─┬─▶ a mistake: the log says which, all stays as it is
//!                                                            └─▶ put in place ─▶ look at those who are connected
//! ```

mod live;

pub use live::{Live, Reviewed};

use crate::Config;
use crate::config::Refused;
use frontier_config::{FixedSettings, Surroundings};
use frontier_daemon::config_source::Settings;
use frontier_daemon::reload::Reload;
use frontier_daemon::telemetry::LogConfig;
use std::path::PathBuf;
use tracing::{info, warn};

impl Settings for Config {
    fn load(yaml: &str, surroundings: &Surroundings<'_>) -> Result<Self, Refused> {
        Self::load(yaml, surroundings)
    }

    fn watched(&self) -> Vec<PathBuf> {
        self.watched()
    }

    fn watches(&self) -> bool {
        self.reload.watch
    }

    fn log(&self) -> &LogConfig {
        &self.log
    }

    fn fixed(&self) -> &FixedSettings {
        &self.fixed
    }
}

impl frontier_daemon::reloader::Live for Live {
    type Config = Config;
    type Outcome = Reviewed;

    fn reload(&self, config: &Config) -> Result<Reviewed, Vec<String>> {
        self.reload(config).map_err(|errors| errors.lines())
    }

    fn reloaded(&self, cause: &Reload, config: &Config, reviewed: Reviewed) {
        for line in config.open_listeners().into_iter().chain(config.tls_warnings()) {
            warn!("{line}");
        }
        for listen in config.edgebound.listeners.iter().chain(&config.servicebound.listeners) {
            for warning in listen.warnings() {
                warn!(addr = %listen.addr, "{warning}");
            }
        }
        log(cause, reviewed, config.reload.enforce);
    }
}

fn log(reload: &Reload, reviewed: Reviewed, enforce: bool) {
    let Reviewed { connections, refused } = reviewed;
    if refused == 0 {
        return info!(cause = %reload, connections, "reloaded");
    }
    let done = if enforce { "closed" } else { "left as they are" };
    info!(cause = %reload, connections, refused, "reloaded: {refused} would be refused now, {done}");
}
