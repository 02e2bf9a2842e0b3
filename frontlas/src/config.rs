//! What can be set, its defaults and its bounds.

use crate::api::ControlPlaneConfig;
use crate::plane::PlaneConfig;
use crate::{Lifetimes, RedisConfig};
use frontier_config::{self as config, Choice, ConfigErrors, FixedSettings, Override, Section, Surroundings};
use frontier_daemon::telemetry::LogConfig;
use frontier_transport::Bind;
use std::net::SocketAddr;
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

impl Config {
    /// The environment variables that replace keys.
    pub const OVERRIDES: &[Override] = &[
        Override::new("FRONTLAS_LOG_LEVEL", "log.level"),
        Override::new("FRONTLAS_LOG_FORMAT", "log.format"),
        Override::new("FRONTLAS_THREADS", "daemon.threads"),
        Override::new("FRONTLAS_CONTROL_PLANE_ADDR", "control_plane.listen.addr"),
        Override::new("FRONTLAS_FRONTIER_PLANE_ADDR", "frontier_plane.listen.addr"),
        Override::new("FRONTLAS_REDIS_ADDR", "redis.standalone.addr"),
        Override::new("FRONTLAS_REDIS_USERNAME", "redis.username"),
        Override::new("FRONTLAS_REDIS_PASSWORD", "redis.password"),
    ];

    /// Reads YAML, with overrides from the environment.
    ///
    /// # Errors
    /// [`ConfigErrors`] with every mistake in it.
    pub fn parse(yaml: &str, environment: config::Environment<'_>) -> Result<Self, ConfigErrors> {
        Self::parse_in(yaml, &Surroundings { environment, variables: &[], folder: Path::new("") })
    }

    /// As [`parse`](Self::parse), for a file.
    ///
    /// # Errors
    /// [`ConfigErrors`] with every mistake in it, and in the names of variables.
    pub fn parse_in(yaml: &str, surroundings: &Surroundings<'_>) -> Result<Self, ConfigErrors> {
        let (config, fixed) = config::load_in(yaml, surroundings, Self::OVERRIDES, Self::read)?;
        Ok(Self { fixed, ..config })
    }

    /// A line for each plane that answers whoever reaches it from another machine.
    pub(crate) fn open_planes(&self) -> Vec<String> {
        let is_open = |addr: SocketAddr| !addr.ip().to_canonical().is_loopback();
        let control = &self.control_plane.server;
        let asks = control.tls.as_ref().is_some_and(|tls| !tls.client_ca_certs.is_empty());
        let control = (is_open(control.addr) && !asks).then(|| {
            format!(
                "whoever reaches {} may ask who is where: control_plane.listen.tls.mtls asks for no certificate",
                control.addr
            )
        });
        let frontiers = self.frontier_plane.listen.addr;
        let frontiers = is_open(frontiers).then(|| {
            format!(
                "whoever reaches {frontiers} may say that it is a gateway: let only gateways reach \
                 frontier_plane.listen.addr"
            )
        });
        control.into_iter().chain(frontiers).collect()
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
        let config = Self {
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
        };
        let (control, frontiers) =
            (Bind::tcp(config.control_plane.server.addr), &config.frontier_plane.listen);
        if control.overlaps(frontiers) {
            let text = format!("{} is taken by control_plane.listen.addr, {}", frontiers.addr, control.addr);
            root.section("frontier_plane").section("listen").reject("addr", text);
        }
        config
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_that_is_open_to_all_is_told() {
        let open = |yaml: &str| Config::parse(yaml, &|_| None).unwrap().open_planes();
        let lines = open("");
        assert!(lines[0].contains("0.0.0.0:40011") && lines[0].contains("control_plane.listen.tls.mtls"));
        assert!(lines[1].contains("0.0.0.0:40012") && lines[1].contains("frontier_plane.listen.addr"));
        let local =
            "control_plane: {listen: {addr: 127.0.0.1:1}}\nfrontier_plane: {listen: {addr: '[::1]:2'}}";
        assert_eq!(open(local), [] as [&str; 0]);
    }
}
