//! Reading the configuration again while a daemon runs.
//!
//! ```text
//!   SIGHUP, a file has changed ─▶ read and check everything ─┬─▶ a mistake: the log says which, all stays as it is
//!                                                            └─▶ put in place ─▶ Live::reloaded says what that did
//! ```

use crate::config_source::{ConfigSource, Settings};
use crate::reload::{Reload, Reloads};
use crate::telemetry::{LogFilter, LogHandle};
use frontier_config::FixedSettings;
use std::path::PathBuf;
use std::time::SystemTime;
use tracing::{debug, error, warn};

/// A running daemon, as far as it can be changed.
pub trait Live: Send + 'static {
    /// What it is configured with.
    type Config: Settings;
    /// What putting a configuration in place did.
    type Outcome;

    /// Puts in place what can change at run time. Blocks while it reads files.
    ///
    /// # Errors
    /// A line for each file that is of no use; nothing has changed then.
    fn reload(&self, config: &Self::Config) -> Result<Self::Outcome, Vec<String>>;

    /// Says in the log that `config` is in place, and what may surprise about it.
    fn reloaded(&self, cause: &Reload, config: &Self::Config, outcome: Self::Outcome);
}

/// Keeps a daemon up to date with its configuration.
#[derive(Debug)]
pub struct Reloader<L> {
    source: ConfigSource,
    live: L,
    log: LogHandle,
    level: LogFilter,
    /// What takes a restart, as it was at the start.
    fixed: FixedSettings,
    files: Vec<PathBuf>,
    read_at: SystemTime,
}

impl<L: Live> Reloader<L> {
    /// For the daemon behind `live`, which was started with `config` from `source`. `read_at` is a time before that
    /// was read: what has changed since is read again.
    #[must_use]
    pub fn new(
        source: ConfigSource,
        config: &L::Config,
        live: L,
        log: LogHandle,
        read_at: SystemTime,
    ) -> Self {
        let files = source.watched(config);
        let (level, fixed) = (config.log().level.clone(), config.fixed().clone());
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
        let config: L::Config = match self.source.load() {
            Ok(config) => config,
            Err(error) => {
                self.watch_also(error.files().to_vec());
                return not_reloaded(reload, error.lines());
            }
        };
        let watched = self.source.watched(&config);
        match self.live.reload(&config) {
            Ok(outcome) => {
                self.files = watched;
                self.put_in_place(&config);
                self.live.reloaded(reload, &config, outcome);
            }
            Err(mistakes) => {
                self.watch_also(watched);
                not_reloaded(reload, mistakes);
            }
        }
    }

    /// Those that are wrong, so that it is noticed when they are mended.
    fn watch_also(&mut self, files: Vec<PathBuf>) {
        self.files.extend(files);
        self.files.sort();
        self.files.dedup();
    }

    fn put_in_place(&mut self, config: &L::Config) {
        let level = &config.log().level;
        if *level != self.level {
            match self.log.set_level(level) {
                Ok(()) => self.level = level.clone(),
                Err(error) => warn!(%error, "the log level stays as it is"),
            }
        }
        for key in self.fixed.changed(config.fixed()) {
            warn!(key, "this has changed, but takes a restart");
        }
    }
}

fn not_reloaded(reload: &Reload, mistakes: Vec<String>) {
    for mistake in mistakes {
        error!(cause = %reload, "not reloaded, all stays as it was: {mistake}");
    }
}
