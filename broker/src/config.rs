//! What can be set, its defaults and its bounds.

mod gateway;
mod sessions;
mod store;

pub use frontier_daemon::config_source::Refused;
pub use gateway::{GatewayConfig, TokenSource};
pub use sessions::{HostConfig, SessionLimits, SessionsConfig};
pub use store::{SharedConfig, StoreConfig};

use frontier_access::authn::Side;
use frontier_access::{Access, AccessConfig};
use frontier_admin::{LiveAccess, ObservabilityConfig, PlaneAuth, ServerConfig, exposure, read_planes};
use frontier_config::{self as config, ConfigErrors, FixedSettings, Override, Section, Surroundings};
use frontier_daemon::process::ProcessConfig;
use frontier_daemon::telemetry::LogConfig;
use frontier_sdk::ClientTls;
use frontier_transport::{Bind, ServerTls, reject_taken_ports};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The section where clients come, which names its plane as well.
pub(crate) const PLANE: &str = "sessions";

/// All planes, and who comes there.
pub(crate) const PLANES: &[(&str, Side)] = &[(PLANE, Side::Operator)];

/// Where metrics are served, unless it is said.
const OBSERVABILITY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9093);

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is logged, and how.
    pub log: LogConfig,
    /// How the process runs.
    pub daemon: ProcessConfig,
    /// Where clients come, and what they may do.
    pub sessions: SessionsConfig,
    /// Who may come.
    pub access: AccessConfig,
    /// Where sessions are kept beside memory; `None` for nowhere.
    pub store: Option<StoreConfig>,
    /// How hosts are reached.
    pub gateway: GatewayConfig,
    /// How requests are given to hosts.
    pub hosts: HostConfig,
    /// The port for scrapes and orchestrators, if there is to be one.
    pub observability: Option<ObservabilityConfig>,
    /// `reload.watch`: whether files are watched. SIGHUP reloads in any case.
    pub watch_files: bool,
    /// What is written and off, in lines.
    pub(crate) hints: Vec<String>,
    /// What takes a restart to change, for a reload to tell.
    pub fixed: FixedSettings,
}

impl Config {
    /// The environment variables that replace keys.
    pub const OVERRIDES: &[Override] = &[
        Override::new("BROKER_LOG_LEVEL", "log.level"),
        Override::new("BROKER_LOG_FORMAT", "log.format"),
        Override::new("BROKER_LOG_OUTPUT", "log.output"),
        Override::new("BROKER_THREADS", "daemon.threads"),
        Override::new("BROKER_SESSIONS_ADDR", "sessions.listen.addr"),
        Override::new("BROKER_SESSIONS_OPEN_TO_ALL", "sessions.open_to_all"),
        Override::new("BROKER_GATEWAY_URL", "gateway.urls"),
        Override::new("BROKER_GATEWAY_TOKEN", "gateway.token"),
    ];

    /// Reads YAML, with overrides from the environment.
    ///
    /// # Errors
    /// [`ConfigErrors`] with every mistake in it.
    pub fn parse(yaml: &str, environment: config::Environment<'_>) -> Result<Self, ConfigErrors> {
        let surroundings = Surroundings { environment, variables: &[], folder: Path::new("") };
        let (config, fixed) = config::load_in(yaml, &surroundings, Self::OVERRIDES, Self::read)?;
        Ok(Self { fixed, ..config })
    }

    /// As [`parse`](Self::parse), for a file; and looks into all files that it names as well. Blocks while it reads them.
    ///
    /// # Errors
    /// [`Refused`] with every mistake in it, in the names of variables, and in the files.
    pub fn load(yaml: &str, surroundings: &Surroundings<'_>) -> Result<Self, Refused> {
        let mut files = Vec::new();
        let read = |root: &Section<'_>| {
            let config = Self::read(root);
            config.file_mistakes().into_iter().for_each(|(key, text)| root.reject_at(&key, text));
            files = config.watched();
            config
        };
        let loaded = config::load_in(yaml, surroundings, Self::OVERRIDES, read);
        let (config, fixed) = loaded.map_err(|errors| Refused { errors, files })?;
        Ok(Self { fixed, ..config })
    }

    /// What is wrong with the files that it names, each by its key, but for those of `sessions.listen.tls`, which are read with
    /// it. Blocks while they are read.
    fn file_mistakes(&self) -> Vec<(String, String)> {
        let mut mistakes = Vec::new();
        if let Err(errors) = Access::load(&self.access, Instant::now()) {
            for error in &errors.0 {
                let key = self.access.key_of(&error.what).unwrap_or_default();
                mistakes.push((key, error.to_string()));
            }
        }
        mistakes.extend(self.store.iter().flat_map(StoreConfig::file_mistakes));
        mistakes.extend(self.gateway.file_mistakes());
        mistakes
    }

    /// Reads the files that it names, and throws away what is in them. Gives a line for each that is of no use.
    /// Blocks while it does.
    #[must_use]
    pub fn check_files(&self) -> Vec<String> {
        self.file_mistakes().into_iter().map(|(key, text)| format!("{key}: {text}")).collect()
    }

    /// The files that were read to come by this configuration, or will be: those to watch.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let tls = self.sessions.server.tls.iter().flat_map(ServerTls::files);
        let store = self.store.iter().flat_map(StoreConfig::files);
        tls.chain(store).chain(self.access.files().into_iter().map(|(_, path)| path)).collect()
    }

    /// The [files](Self::files), if they are to be watched.
    pub(crate) fn watched(&self) -> Vec<PathBuf> {
        if self.watch_files { self.files() } else { Vec::new() }
    }

    /// What may surprise about it though it was asked for, in lines.
    pub(crate) fn exposed(&self) -> Option<String> {
        let server = &self.sessions.server;
        let asks = self.access.auth.get(PLANE).is_some_and(|auth| !auth.is_none());
        exposure(PLANE, server.addr, asks, server.tls.is_some(), "may have hosts compute what it likes")
    }

    /// Everything that may surprise about it and about the files that it names. Blocks while it reads them.
    pub(crate) fn warnings(&self) -> Vec<String> {
        // If its files are of no use, that is told elsewhere.
        let access = LiveAccess::load(&self.access).map(|access| access.warnings(PLANES)).unwrap_or_default();
        let hints = self.hints.iter().cloned();
        hints.chain(self.exposed()).chain(self.tls_warnings()).chain(access).collect()
    }

    /// What may surprise about its certificates and proxies, though they are used.
    pub(crate) fn tls_warnings(&self) -> Vec<String> {
        let redis =
            self.store.iter().filter_map(StoreConfig::redis).filter_map(|it| it.store.redis.client_tls());
        let redis = redis.flat_map(|tls| tls.warnings()).map(|warning| format!("store.redis.tls: {warning}"));
        self.sessions.server.warnings(PLANE).into_iter().chain(redis).collect()
    }

    /// Whom to trust, and what to show, where another broker of the same store is asked.
    pub(crate) fn peers(&self) -> ClientTls {
        let shared = self.store.as_ref().and_then(StoreConfig::redis);
        shared.map_or_else(ClientTls::new, |shared| shared.peers.clone())
    }

    /// Where other brokers of the same store reach this one, which listens at `addr`, as a URL.
    pub(crate) fn advertised(&self, addr: SocketAddr) -> String {
        let scheme = if self.sessions.server.tls.is_some() { "https" } else { "http" };
        let said = self.store.as_ref().and_then(StoreConfig::redis).and_then(|it| it.advertise.clone());
        said.unwrap_or_else(|| format!("{scheme}://{addr}"))
    }

    fn read(root: &Section<'_>) -> Self {
        let sessions = SessionsConfig::read(&root.section(PLANE).fixed());
        let mut config = Self {
            log: LogConfig::read(&root.section("log")),
            daemon: ProcessConfig::read(&root.section("daemon")),
            access: read_planes(root, [plane(&sessions.server)]),
            sessions,
            store: StoreConfig::read(&root.section("store")),
            gateway: GatewayConfig::read(&root.section("gateway").fixed()),
            hosts: HostConfig::read(&root.section("hosts").fixed()),
            observability: ObservabilityConfig::read(root, OBSERVABILITY),
            watch_files: root.section("reload").reloadable().get("watch", true),
            hints: Vec::new(),
            fixed: FixedSettings::default(),
        };
        if let Some(shared) = config.store.as_ref().and_then(StoreConfig::redis)
            && shared.advertise.is_none()
            && config.sessions.server.addr.ip().is_unspecified()
        {
            let text = "is required where sessions.listen.addr is that of all interfaces: other brokers ask this one there";
            root.reject_at("store.redis.advertise", text);
        }
        config.hints = root.hints();
        let observability = config.observability.as_ref().map(|port| ("observability.addr", port.addr));
        let ports = [("sessions.listen.addr", config.sessions.server.addr)].into_iter().chain(observability);
        let ports: Vec<_> = ports.map(|(key, addr)| (key.to_owned(), Bind::tcp(addr))).collect();
        reject_taken_ports(root, &ports);
        config
    }
}

fn plane(server: &ServerConfig) -> PlaneAuth {
    PlaneAuth {
        plane: PLANE,
        side: Side::Operator,
        addr: server.addr,
        takes_certificates: server.takes_certificates,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(yaml: &str) -> Result<Config, String> {
        Config::parse(yaml, &|_| None).map_err(|errors| errors.to_string())
    }

    #[test]
    fn it_is_for_this_machine_unless_it_is_said_who_may_come() {
        assert!(frontier_admin::is_local(parse("").unwrap().sessions.server.addr));
        let error = parse("sessions: {listen: {addr: 0.0.0.0:30020}}").unwrap_err();
        assert!(error.contains("sessions.auth"), "{error}");
        let open = parse("sessions: {listen: {addr: 0.0.0.0:30020}, open_to_all: true}").unwrap();
        assert!(open.exposed().unwrap().contains("may have hosts compute"));
    }

    #[test]
    fn a_store_in_a_folder_that_is_not_there_is_a_mistake_of_its_key() {
        let mistakes = |path: &str| parse(&format!("store: {{path: {path}}}")).unwrap().check_files();
        assert_eq!(mistakes("sessions.redb"), Vec::<String>::new());
        assert_eq!(mistakes("/nowhere/sessions.redb"), ["store.path: /nowhere: there is no such folder"]);
        assert_eq!(mistakes("/"), ["store.path: /: is a folder; a file in it would do"]);
    }

    #[test]
    fn a_store_is_a_file_or_redis_and_says_where_it_is_asked() {
        let error =
            parse("store: {path: x, redis: {mode: cluster, lease: 1ms, prefix: '{x}', advertise: x}}")
                .unwrap_err();
        for key in [
            "store.redis: is there beside `path`",
            "redis.lease",
            "redis.prefix",
            "redis.advertise",
            "redis.cluster.addrs",
        ] {
            assert!(error.contains(key), "{key}: {error}");
        }
        let open = "sessions: {listen: {addr: 0.0.0.0:1}, open_to_all: true}\nstore: {redis: {prefix: x}}";
        assert!(parse(open).unwrap_err().contains("store.redis.advertise: is required"));
        let tls = "store: {redis: {peers: {ca_certs: [/nowhere/ca.pem]}, tls: {enable: true, ca_certs: [/nowhere/ca.pem]}}}";
        let mistakes = parse(tls).unwrap().check_files();
        let of = |key: &str| mistakes.iter().any(|mistake| mistake.starts_with(key));
        assert!(of("store.redis.peers.ca_certs[0]") && of("store.redis.tls.ca_certs[0]"), "{mistakes:?}");
    }

    #[test]
    fn who_names_frontlas_needs_no_gateway() {
        let config = parse("gateway: {urls: [], frontlas: ['http://lb:40011']}").unwrap();
        assert!(config.gateway.urls.is_empty());
        let error = parse("gateway: {urls: []}").unwrap_err();
        assert!(error.contains("gateway.urls: needs one at least, where `frontlas` has none"), "{error}");
    }

    #[test]
    fn the_port_for_metrics_is_that_of_no_client_and_what_is_off_is_told() {
        let yaml = "{sessions: {listen: {addr: 0.0.0.0:9}, open_to_all: true}, observability: {enable: true, addr: 127.0.0.1:9}}";
        let error = parse(yaml).unwrap_err();
        assert!(
            error.contains("observability.addr: 127.0.0.1:9 is taken by sessions.listen.addr, 0.0.0.0:9"),
            "{error}"
        );
        let warnings = parse("observability: {addr: 127.0.0.1:9}").unwrap().warnings();
        assert!(
            warnings.iter().any(|line| line.contains("observability is filled in, and off")),
            "{warnings:?}"
        );
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_their_keys() {
        let yaml = "
sessions: {listen: {addr: 127.0.0.1:1}, sessions: 0, throttle_start: 10, throttle_stop: 20, unknown: 1}
gateway: {urls: ['http://x:1'], token: a, token_file: b}
hosts: {balance: random, resend_limit: 1000}
store: {size: 1KiB, cache_size: 1MiB}
observability: {enable: true, addr: 127.0.0.1:1}
";
        let error = parse(yaml).unwrap_err();
        for key in [
            "sessions.sessions",
            "sessions.throttle_stop",
            "sessions.unknown",
            "gateway.urls",
            "gateway.token_file",
            "hosts.balance",
            "hosts.resend_limit",
            "store.size",
            "store.cache_size",
            "observability.addr",
        ] {
            assert!(error.contains(key), "{key}: {error}");
        }
    }
}
