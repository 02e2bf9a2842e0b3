//! Reading the configuration again while the broker runs.
//!
//! ```text
//!   SIGHUP, a file has changed ─▶ read and check everything ─┬─▶ a mistake: the log says which, all stays as it is
//!                                                            └─▶ put in place
//! ```

use crate::Config;
use crate::access::SessionAccess;
use frontier_config::{ConfigErrors, Environment, FixedSettings, Surroundings, unreadable};
use frontier_daemon::log_flags::LogFlags;
use frontier_daemon::reload::{Reload, Reloads};
use frontier_daemon::telemetry::{LogFilter, LogHandle};
use frontier_transport::ServerTls;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tracing::{debug, error, info, warn};

/// A running broker, as far as it can be changed: who may use it, and its certificates.
#[derive(Clone)]
pub struct Live {
    pub(crate) tls: Option<ServerTls>,
    pub(crate) access: SessionAccess,
}

/// Where the configuration comes from: a file and the process's environment, or that alone.
#[derive(Clone, Debug)]
pub(crate) struct ConfigSource {
    pub(crate) path: Option<PathBuf>,
    pub(crate) flags: LogFlags,
}

/// Keeps a broker up to date with its configuration.
#[derive(Debug)]
pub(crate) struct Reloader {
    source: ConfigSource,
    live: Live,
    log: LogHandle,
    level: LogFilter,
    /// What takes a restart, as it was at the start.
    fixed: FixedSettings,
    files: Vec<PathBuf>,
    read_at: SystemTime,
}

impl Live {
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
        access.map_err(|errors| errors.to_string().lines().map(str::to_owned).collect::<Vec<_>>())?;
        if let (Some(live), Some(loaded)) = (&self.tls, &config.sessions.server.tls) {
            live.adopt(loaded);
        }
        Ok(())
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl ConfigSource {
    /// Reads it, in this environment; `variables` are the names of all that there are. Blocks while it does.
    ///
    /// # Errors
    /// A line that says which file can't be read, or every mistake in it.
    pub(crate) fn load(&self, environment: Environment<'_>, variables: &[String]) -> Result<Config, String> {
        let folder = self.path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let environment = |name: &str| self.flags.variable(name).or_else(|| environment(name));
        let surroundings = Surroundings { environment: &environment, variables, folder };
        let blamed = |errors: ConfigErrors| errors.said_by(|name| self.flags.option(name));
        let Some(path) = &self.path else {
            return Config::load("", &surroundings).map_err(|errors| blamed(errors).to_string());
        };
        let yaml = std::fs::read_to_string(path);
        let yaml = yaml.map_err(|error| format!("{}: {}", path.display(), unreadable(&error)))?;
        Config::load(&yaml, &surroundings).map_err(|errors| format!("{}: {}", path.display(), blamed(errors)))
    }

    /// The files to watch: the configuration's own, and those that it names. None where it says so.
    fn watched(&self, config: &Config) -> Vec<PathBuf> {
        if !config.watch_files {
            return Vec::new();
        }
        self.path.iter().cloned().chain(config.files()).collect()
    }
}

impl Reloader {
    /// For the broker behind `live`, which was started with `config` from `source`. `read_at` is a time before that was
    /// read: what has changed since is read again.
    pub(crate) fn new(
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
    pub(crate) async fn run(mut self, mut reloads: Reloads) {
        loop {
            reloads.watch(self.files.clone(), self.read_at);
            let reload = reloads.recv().await;
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
        let config = match self.source.load(&|name| std::env::var(name).ok(), &variables()) {
            Ok(config) => config,
            Err(error) => return not_reloaded(reload, error.lines()),
        };
        let watched = self.source.watched(&config);
        match self.live.reload(&config) {
            Ok(()) => {
                self.files = watched;
                self.put_in_place(&config);
                info!(cause = %reload, "reloaded");
            }
            Err(mistakes) => {
                // Also those that are wrong, so that it is noticed when they are mended.
                self.files.extend(watched);
                self.files.sort();
                self.files.dedup();
                not_reloaded(reload, mistakes.iter().map(String::as_str));
            }
        }
    }

    fn put_in_place(&mut self, config: &Config) {
        if config.log.level != self.level {
            match self.log.set_level(&config.log.level) {
                Ok(()) => self.level = config.log.level.clone(),
                Err(error) => warn!(%error, "the log level stays as it is"),
            }
        }
        let lines = config.exposed().into_iter().chain(self.live.access.warnings());
        for line in lines.chain(config.tls_warnings()) {
            warn!("{line}");
        }
        for key in self.fixed.changed(&config.fixed) {
            warn!(key, "this has changed, but takes a restart");
        }
    }
}

/// The names of the process's variables.
pub(crate) fn variables() -> Vec<String> {
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect()
}

fn not_reloaded<'l>(reload: &Reload, mistakes: impl Iterator<Item = &'l str>) {
    for mistake in mistakes {
        error!(cause = %reload, "not reloaded, all stays as it was: {mistake}");
    }
}
