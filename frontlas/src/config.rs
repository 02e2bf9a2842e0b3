//! What can be set, its defaults and its bounds.

use crate::api::ControlPlaneConfig;
use crate::plane::PlaneConfig;
use crate::{Lifetimes, RedisConfig};
use frontier_config::{self as config, Choice, ConfigErrors, FixedSettings, Override, Section};
use frontier_daemon::telemetry::LogConfig;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is logged, and how.
    pub log: LogConfig,
    /// How the process runs.
    pub daemon: Daemon,
    /// What answers queries about the cluster.
    pub control_plane: ControlPlaneConfig,
    /// What frontiers report to.
    pub frontier_plane: PlaneConfig,
    /// Where it is kept who is where.
    pub store: Store,
    /// How long it is kept.
    pub lifetimes: Lifetimes,
    /// `reload.watch`: whether files are watched. SIGHUP reloads in any case.
    pub watch_files: bool,
    /// What takes a restart to change, for a reload to tell.
    pub fixed: FixedSettings,
}

/// How the process runs.
#[derive(Clone, Debug)]
pub struct Daemon {
    /// Worker threads; 0 for one per processor.
    pub threads: usize,
    /// How long what is in flight may go on after the signal to stop.
    pub grace: Duration,
}

/// Where it is kept who is where.
#[derive(Clone, Debug)]
pub enum Store {
    /// In this process: for one frontlas.
    Memory,
    /// In Redis, for any number of them.
    Redis(Box<RedisConfig>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StoreKind {
    Memory,
    Redis,
}

impl Choice for StoreKind {
    const CHOICES: &'static [(&'static str, Self)] = &[("memory", Self::Memory), ("redis", Self::Redis)];
}

const OVERRIDES: &[Override] = &[
    Override::new("FRONTLAS_LOG_LEVEL", "log.level"),
    Override::new("FRONTLAS_LOG_FORMAT", "log.format"),
    Override::new("FRONTLAS_THREADS", "daemon.threads"),
    Override::new("FRONTLAS_CONTROL_PLANE_ADDR", "control_plane.listen.addr"),
    Override::new("FRONTLAS_FRONTIER_PLANE_ADDR", "frontier_plane.listen.addr"),
    Override::new("FRONTLAS_REDIS_ADDR", "redis.standalone.addr"),
    Override::new("FRONTLAS_REDIS_USERNAME", "redis.username"),
    Override::new("FRONTLAS_REDIS_PASSWORD", "redis.password"),
];

impl Config {
    /// Reads YAML, with overrides from the environment.
    ///
    /// # Errors
    /// [`ConfigErrors`] with every mistake in it.
    pub fn parse(yaml: &str, environment: config::Environment<'_>) -> Result<Self, ConfigErrors> {
        let (config, fixed) = config::load_with_fixed(yaml, environment, OVERRIDES, Self::read)?;
        Ok(Self { fixed, ..config })
    }

    /// Reads the files that it names, and throws away what is in them. Gives a line for each that is of no use.
    /// Blocks while it does.
    #[must_use]
    pub fn check_files(&self) -> Vec<String> {
        let tls = self.control_plane.server.tls.as_ref().and_then(|tls| tls.load().err());
        let mut lines: Vec<_> =
            tls.into_iter().map(|error| format!("control_plane.listen.tls: {error}")).collect();
        if let Store::Redis(redis) = &self.store {
            lines.extend(redis.check_files());
        }
        lines
    }

    /// The files that were read to come by this configuration, or will be: those to watch.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let tls = self.control_plane.server.tls.iter().flat_map(|tls| tls.files().map(Path::to_path_buf));
        let redis = match &self.store {
            Store::Redis(redis) => redis.files(),
            Store::Memory => Vec::new(),
        };
        tls.chain(redis).collect()
    }

    fn read(root: &Section<'_>) -> Self {
        let daemon = root.section("daemon").fixed();
        let grace = Duration::from_secs(10);
        Self {
            log: LogConfig::read(&root.section("log")),
            daemon: Daemon {
                threads: daemon.within("threads", 0, 0..=1024),
                grace: daemon.within("grace", grace, Duration::ZERO..=Duration::from_secs(3600)),
            },
            control_plane: ControlPlaneConfig::read(&root.section("control_plane").fixed()),
            frontier_plane: PlaneConfig::read(&root.section("frontier_plane").fixed()),
            store: Store::read(root),
            lifetimes: Lifetimes::read(&root.section("frontier_plane").fixed().section("expiration")),
            watch_files: root.section("reload").reloadable().get("watch", true),
            fixed: FixedSettings::default(),
        }
    }
}

impl Store {
    /// A file that says how Redis is reached means Redis, unless it says otherwise.
    fn read(root: &Section<'_>) -> Self {
        let redis = root.section("redis");
        let default = if redis.is_present() { StoreKind::Redis } else { StoreKind::Memory };
        let config = RedisConfig::read(&redis);
        match root.section("directory").fixed().get("store", default) {
            StoreKind::Memory => Self::Memory,
            StoreKind::Redis => Self::Redis(Box::new(config)),
        }
    }
}
