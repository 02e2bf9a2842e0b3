//! Reading the configuration again while the gateway runs.
//!
//! ```text
//!   SIGHUP, a file has changed ─▶ read and check everything ─┬─▶ a mistake: the log says which, all stays as it is
//!                                                            └─▶ put in place ─▶ look at those who are connected
//! ```

mod live;
mod source;

pub use live::{Live, Reviewed};
pub use source::{ConfigSource, SourceError};

use crate::Config;
use frontier_config::FixedSettings;
use frontier_daemon::reload::{Reload, Reloads};
use frontier_daemon::telemetry::{LogFilter, LogHandle};
use std::path::PathBuf;
use std::time::SystemTime;
use tracing::{debug, error, info, warn};

/// Keeps a gateway up to date with its configuration.
#[derive(Debug)]
pub struct Reloader {
    source: ConfigSource,
    live: Live,
    log: LogHandle,
    level: LogFilter,
    /// What takes a restart, as it was at the start.
    fixed: FixedSettings,
    files: Vec<PathBuf>,
    read_at: SystemTime,
}

impl Reloader {
    /// For the gateway behind `live`, which was started with `config` from `source`. `read_at` is a time before
    /// that was read: what has changed since is read again.
    #[must_use]
    pub fn new(
        source: ConfigSource,
        config: &Config,
        live: Live,
        log: LogHandle,
        read_at: SystemTime,
    ) -> Self {
        let files = source.watched(config);
        let (level, fixed) = (config.log.level.clone(), config.fixed.clone());
        Self { source, live, log, level, fixed, files, read_at }
    }

    /// Reloads for as long as it is polled.
    pub async fn run(mut self, mut reloads: Reloads) {
        loop {
            reloads.watch(self.files.clone(), self.read_at);
            let reload = reloads.recv().await;
            // Files are read, and many signatures may be checked.
            let reloaded = tokio::task::spawn_blocking(move || {
                self.reload(&reload);
                self
            });
            match reloaded.await {
                Ok(reloader) => self = reloader,
                Err(error) => return error!(%error, "nothing is reloaded any more"),
            }
        }
    }

    fn reload(&mut self, reload: &Reload) {
        debug!(%reload, "reading the configuration again");
        self.read_at = SystemTime::now();
        let config = match self.source.load() {
            Ok(config) => config,
            Err(error) => {
                self.watch_also(error.files().to_vec());
                return not_reloaded(reload, error.lines());
            }
        };
        let watched = self.source.watched(&config);
        match self.live.reload(&config) {
            Ok(reviewed) => {
                self.files = watched;
                self.put_in_place(&config);
                log(reload, reviewed, config.reload.enforce);
            }
            Err(errors) => {
                self.watch_also(watched);
                not_reloaded(reload, errors.lines());
            }
        }
    }

    /// Those that are wrong, so that it is noticed when they are mended.
    fn watch_also(&mut self, files: Vec<PathBuf>) {
        self.files.extend(files);
        self.files.sort();
        self.files.dedup();
    }

    fn put_in_place(&mut self, config: &Config) {
        if config.log.level != self.level {
            match self.log.set_level(&config.log.level) {
                Ok(()) => self.level = config.log.level.clone(),
                Err(error) => warn!(%error, "the log level stays as it is"),
            }
        }
        for key in self.fixed.changed(&config.fixed) {
            warn!(key, "this has changed, but takes a restart");
        }
        for line in config.open_listeners().into_iter().chain(config.tls_warnings()) {
            warn!("{line}");
        }
        for listen in config.edgebound.listeners.iter().chain(&config.servicebound.listeners) {
            for warning in listen.warnings() {
                warn!(addr = %listen.addr, "{warning}");
            }
        }
    }
}

fn not_reloaded(reload: &Reload, mistakes: Vec<String>) {
    for mistake in mistakes {
        error!(cause = %reload, "not reloaded, all stays as it was: {mistake}");
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
