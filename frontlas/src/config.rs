//! What can be set, its defaults and its bounds.

mod warnings;

use crate::access::{CONTROL_PLANE, FRONTIER_PLANE};
use crate::api::ControlPlaneConfig;
use crate::original;
use crate::plane::PlaneConfig;
use crate::{Bounds, Lifetimes, RedisConfig};
use frontier_access::authn::Side;
use frontier_access::{Access, AccessConfig};
use frontier_admin::{ObservabilityConfig, PlaneAuth, ServerConfig, read_planes};
use frontier_config::{self as config, Choice, ConfigErrors, FixedSettings, Override, Section, Surroundings};
pub use frontier_daemon::config_source::Refused;
use frontier_daemon::foreign_keys;
use frontier_daemon::process::ProcessConfig;
use frontier_daemon::telemetry::LogConfig;
use frontier_transport::{Bind, ClientAuth, ClientTls, Network, ServerTls, reject_taken_ports};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Where metrics are served, unless it is said.
const OBSERVABILITY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9092);

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is logged, and how.
    pub log: LogConfig,
    /// How the process runs.
    pub daemon: ProcessConfig,
    /// What answers queries about the cluster.
    pub control_plane: ControlPlaneConfig,
    /// What frontiers report to.
    pub frontier_plane: PlaneConfig,
    /// Who may connect to the two.
    pub access: AccessConfig,
    /// The port for scrapes and orchestrators, if there is to be one.
    pub observability: Option<ObservabilityConfig>,
    /// Where it is kept who is where.
    pub store: Store,
    /// How long it is kept.
    pub lifetimes: Lifetimes,
    /// How much is kept of each frontier.
    pub bounds: Bounds,
    /// `reload.watch`: whether files are watched. SIGHUP reloads in any case.
    pub watch_files: bool,
    /// `reload.enforce`: whether frontiers are closed that would no longer be let in.
    pub enforce: bool,
    /// What is written and means nothing, or is off, in lines.
    pub(crate) ignored: Vec<String>,
    /// What takes a restart to change, for a reload to tell.
    pub fixed: FixedSettings,
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

/// The values of `REDIS_TYPE` by which the other variables of that kind count.
const REDIS_TYPES: &[&str] = &["standalone", "sentinel", "cluster"];

impl Config {
    /// The environment variables that replace keys.
    pub const OVERRIDES: &[Override] = &[
        foreign_keys::LOG_LEVEL,
        foreign_keys::LOG_OUTPUT,
        foreign_keys::LOG_FORMAT,
        Override::new("FRONTLAS_LOG_LEVEL", "log.level"),
        Override::new("FRONTLAS_LOG_FORMAT", "log.format"),
        Override::new("FRONTLAS_LOG_OUTPUT", "log.output"),
        Override::new("FRONTLAS_THREADS", "daemon.threads"),
        Override::new("FRONTLAS_CONTROL_PLANE_ADDR", "control_plane.listen.addr"),
        Override::port("FRONTLAS_CONTROLPLANE_PORT", "control_plane.listen.addr", "127.0.0.1:40011"),
        Override::new("FRONTLAS_FRONTIER_PLANE_ADDR", "frontier_plane.listen.addr"),
        Override::port("FRONTLAS_FRONTIERPLANE_PORT", "frontier_plane.listen.addr", "127.0.0.1:40012"),
        Override::new("FRONTLAS_CONTROL_PLANE_OPEN_TO_ALL", "control_plane.open_to_all"),
        Override::new("FRONTLAS_FRONTIER_PLANE_OPEN_TO_ALL", "frontier_plane.open_to_all"),
        Override::new("REDIS_TYPE", "redis.mode").only_with("REDIS_TYPE", REDIS_TYPES),
        Override::first("REDIS_ADDRS", "redis.standalone.addr").only_with("REDIS_TYPE", &["standalone"]),
        Override::new("REDIS_ADDRS", "redis.sentinel.addrs").only_with("REDIS_TYPE", &["sentinel"]),
        Override::new("REDIS_ADDRS", "redis.cluster.addrs").only_with("REDIS_TYPE", &["cluster"]),
        Override::new("REDIS_USER", "redis.username").only_with("REDIS_TYPE", REDIS_TYPES),
        Override::new("REDIS_PASSWORD", "redis.password").only_with("REDIS_TYPE", REDIS_TYPES),
        Override::new("REDIS_DB", "redis.standalone.db").only_with("REDIS_TYPE", &["standalone"]),
        Override::new("MASTER_NAME", "redis.sentinel.master_name").only_with("REDIS_TYPE", &["sentinel"]),
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

    /// As [`parse_in`](Self::parse_in), and looks into all files that it names as well, as the daemon does. Blocks while it
    /// reads them.
    ///
    /// # Errors
    /// [`Refused`] with every mistake in it and in the files.
    pub fn load(yaml: &str, surroundings: &Surroundings<'_>) -> Result<Self, Refused> {
        let mut files = Vec::new();
        let read = |root: &Section<'_>| {
            let config = Self::read(root);
            config.reject_files(root);
            files = config.watched();
            config
        };
        let loaded = config::load_in(yaml, surroundings, Self::OVERRIDES, read);
        let (config, fixed) = loaded.map_err(|errors| Refused { errors, files })?;
        Ok(Self { fixed, ..config })
    }

    /// Refuses the files that are not read with the sections that name them, each where it is named. Those of TLS of the
    /// planes are.
    fn reject_files(&self, root: &Section<'_>) {
        if let Err(errors) = Access::load(&self.access, Instant::now()) {
            for error in &errors.0 {
                let key = self.access.key_of(&error.what).unwrap_or_default();
                root.reject_at(&key, error.to_string());
            }
        }
        if let Store::Redis(redis) = &self.store {
            redis.check_files().into_iter().for_each(|(key, text)| root.reject_at(&key, text));
        }
    }

    /// Reads the files that it names, and throws away what is in them. Gives a line for each that is of no use.
    /// Blocks while it does.
    #[must_use]
    pub fn check_files(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Err(errors) = Access::load(&self.access, Instant::now()) {
            lines.extend(errors.to_string().lines().map(str::to_owned));
        }
        if let Store::Redis(redis) = &self.store {
            lines.extend(redis.check_files().into_iter().map(|(key, text)| format!("{key}: {text}")));
        }
        lines
    }

    /// The files that were read to come by this configuration, or will be: those to watch.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let redis = match &self.store {
            Store::Redis(redis) => redis.files(),
            Store::Memory => Vec::new(),
        };
        let tls = self.plane_tls().into_iter().flat_map(ServerTls::files);
        tls.chain(redis).chain(self.access.files().into_iter().map(|(_, path)| path)).collect()
    }

    /// The [files](Self::files), if they are to be watched.
    pub(crate) fn watched(&self) -> Vec<PathBuf> {
        if self.watch_files { self.files() } else { Vec::new() }
    }

    /// The TLS of those planes that have any.
    pub(crate) fn plane_tls(&self) -> Vec<&ServerTls> {
        self.control_plane.server.tls.iter().chain(&self.frontier_plane.listen.tls).collect()
    }

    /// The TLS with which it connects to Redis, if any: to look at.
    pub(crate) fn redis_tls(&self) -> Option<ClientTls> {
        match &self.store {
            Store::Redis(redis) => redis.client_tls(),
            Store::Memory => None,
        }
    }

    fn read(root: &Section<'_>) -> Self {
        let control_plane = ControlPlaneConfig::read(&root.section(CONTROL_PLANE).fixed());
        let frontier_plane = PlaneConfig::read(&root.section(FRONTIER_PLANE).fixed());
        let planes = [of_control_plane(&control_plane.server), of_frontier_plane(&frontier_plane)];
        let mut config = Self {
            log: LogConfig::read(&root.section("log")),
            daemon: ProcessConfig::read(&root.section("daemon")),
            control_plane,
            frontier_plane,
            observability: ObservabilityConfig::read(root, OBSERVABILITY),
            store: Store::read(root),
            access: read_planes(root, planes),
            lifetimes: Lifetimes::read(&root.section("frontier_plane").fixed().section("expiration")),
            bounds: Bounds::read(&root.section("frontier_plane").fixed()),
            watch_files: root.section("reload").reloadable().get("watch", true),
            enforce: root.section("reload").reloadable().get("enforce", false),
            ignored: original::ignored(root),
            fixed: FixedSettings::default(),
        };
        config.ignored.extend(root.hints());
        let observability =
            config.observability.as_ref().map(|port| ("observability.addr", Bind::tcp(port.addr)));
        let planes = [
            ("control_plane.listen.addr", Bind::tcp(config.control_plane.server.addr)),
            ("frontier_plane.listen.addr", config.frontier_plane.listen.clone()),
        ];
        let ports = planes.into_iter().chain(observability).map(|(key, bind)| (key.to_owned(), bind));
        reject_taken_ports(root, &ports.collect::<Vec<_>>());
        config
    }
}

fn of_control_plane(server: &ServerConfig) -> PlaneAuth {
    PlaneAuth {
        plane: CONTROL_PLANE,
        side: Side::Operator,
        addr: server.addr,
        takes_certificates: server.takes_certificates,
    }
}

fn of_frontier_plane(config: &PlaneConfig) -> PlaneAuth {
    let asks = |tls: &ServerTls| tls.client_auth() != ClientAuth::Off;
    let listen = &config.listen;
    PlaneAuth {
        plane: FRONTIER_PLANE,
        side: Side::Frontier,
        addr: listen.addr,
        // If its files can't be read, that is told elsewhere.
        takes_certificates: listen.tls.as_ref().map_or(listen.network == Network::Tls, asks),
    }
}

impl Store {
    /// A file that says how Redis is reached means Redis, unless it says otherwise.
    fn read(root: &Section<'_>) -> Self {
        let redis = root.section("redis");
        let default = if redis.is_present() { StoreKind::Redis } else { StoreKind::Memory };
        let config = RedisConfig::read(&redis, "redis");
        match root.section("directory").fixed().get("store", default) {
            StoreKind::Memory => Self::Memory,
            StoreKind::Redis => Self::Redis(Box::new(config)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(yaml: &str) -> Result<Config, String> {
        Config::parse(yaml, &|_| None).map_err(|errors| errors.to_string())
    }

    #[test]
    fn both_planes_are_for_this_machine_unless_it_is_said_who_may_connect() {
        let config = parse("").unwrap();
        assert!(
            frontier_admin::is_local(config.control_plane.server.addr)
                && frontier_admin::is_local(config.frontier_plane.listen.addr)
        );
        for plane in [CONTROL_PLANE, FRONTIER_PLANE] {
            for addr in ["0.0.0.0:9", "'[::]:9'", "192.0.2.1:9"] {
                let with = |more: &str| parse(&format!("{plane}: {{listen: {{addr: {addr}}}, {more}}}"));
                for nobody in ["", "auth: {methods: []}", "open_to_all: false"] {
                    let error = with(nobody).unwrap_err();
                    assert!(error.contains(&format!("{plane}.auth: is required")), "{error}");
                    assert!(error.contains("open_to_all: true"), "{error}");
                }
                with("open_to_all: true").unwrap();
                with("auth: {methods: [{token: {file: /t}}]}").unwrap();
                let error = with("open_to_all: true, auth: {methods: [{token: {file: /t}}]}").unwrap_err();
                assert!(error.contains(&format!("{plane}.open_to_all: contradicts")), "{error}");
            }
            for addr in ["127.0.0.1:9", "'[::1]:9'", "127.1.2.3:9", "'[::ffff:127.0.0.1]:9'"] {
                parse(&format!("{plane}: {{listen: {{addr: {addr}}}}}")).unwrap();
            }
            let error = parse(&format!("{plane}: {{auth: {{methods: [{{mtls: {{}}}}]}}}}")).unwrap_err();
            assert!(error.contains(&format!("{plane}.auth: nobody could connect")), "{error}");
            let error = parse(&format!("{plane}: {{auth: {{methods: [], meta_labels: [a]}}}}")).unwrap_err();
            assert!(error.contains(&format!("{plane}.auth.meta_labels: is for edges")), "{error}");
        }
    }

    #[test]
    fn the_port_for_metrics_is_no_other_ports() {
        for (plane, addr) in [(CONTROL_PLANE, 1), (FRONTIER_PLANE, 2)] {
            let error = parse(&format!(
                "{{control_plane: {{listen: {{addr: 127.0.0.1:1}}}}, frontier_plane: {{listen: {{addr: 127.0.0.1:2}}}}, \
                 observability: {{enable: true, addr: 127.0.0.1:{addr}}}}}"
            ));
            let expected = format!("observability.addr: 127.0.0.1:{addr} is taken by {plane}.listen.addr");
            assert!(error.unwrap_err().contains(&expected), "{expected}");
        }
        assert_eq!(parse("").unwrap().observability, None);
        let error = parse(
            "{control_plane: {listen: {addr: 127.0.0.1:1}}, frontier_plane: {listen: {addr: 127.0.0.1:1}}}",
        );
        let expected =
            "frontier_plane.listen.addr: 127.0.0.1:1 is taken by control_plane.listen.addr, 127.0.0.1:1";
        assert!(error.unwrap_err().contains(expected));
        let warnings = parse("{observability: {addr: 127.0.0.1:1}, redis: {tls: {ca_certs: [/ca]}}}")
            .unwrap()
            .warnings();
        for key in ["observability", "redis.tls"] {
            assert!(
                warnings.iter().any(|line| line.contains(&format!("{key} is filled in, and off"))),
                "{warnings:?}"
            );
        }
    }

    #[test]
    fn files_are_looked_at_whatever_else_is_wrong_and_named_by_their_keys() {
        let yaml = "
control_plane:
  connections: 0
  listen: {addr: 0.0.0.0:1, tls: {enable: true, certs: [{cert: /nowhere/c.pem, key: /nowhere/c.key}]}}
  auth: {methods: [{token: {file: /nowhere/t1}}, {jwt: {role_claim: r, keys: [{jwks_file: /nowhere/j}]}}]}
frontier_plane:
  listen: {network: tls, addr: 0.0.0.0:2, tls: {certs: [{cert: /nowhere/f.pem, key: /nowhere/f.key}]}}
  auth: {methods: [{token: {file: /nowhere/t2}}]}
";
        let surroundings = Surroundings { environment: &|_| None, variables: &[], folder: Path::new("") };
        let errors = Config::load(yaml, &surroundings).unwrap_err().errors.to_string();
        for expected in [
            "control_plane.connections: ",
            "control_plane.listen.tls.certs[0].cert: ",
            "control_plane.listen.tls.certs[0].key: ",
            "control_plane.auth.methods[0].token.file: ",
            "control_plane.auth.methods[1].jwt.keys[0].jwks_file: ",
            "frontier_plane.listen.tls.certs[0].cert: ",
            "frontier_plane.auth.methods[0].token.file: ",
        ] {
            let line = errors.lines().find(|line| line.contains(expected));
            assert!(line.is_some_and(|line| line.contains("line ")), "{expected}: {errors}");
        }
    }

    #[test]
    fn a_plane_whose_tokens_are_for_the_other_one_is_warned_of() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let hash = "ab".repeat(32);
        std::fs::write(file.path(), format!("- {{hash: 'sha256:{hash}', frontier: f}}")).unwrap();
        let auth = format!("{{auth: {{methods: [{{token: {{file: {}}}}}]}}}}", file.path().display());
        let warnings = parse(&format!("control_plane: {auth}\nfrontier_plane: {auth}")).unwrap().warnings();
        let line = "control_plane.auth: nobody gets in: none of the tokens that it names has a `role`";
        assert_eq!(warnings, [line]);
    }

    #[test]
    fn methods_by_which_nobody_is_let_in_are_refused() {
        for (method, plane, expected) in [
            ("jwt: {keys: [{secret_file: /t}]}", CONTROL_PLANE, "role_claim"),
            ("jwt: {keys: [{secret_file: /t}]}", FRONTIER_PLANE, "frontier_claim"),
            ("mtls: {}", CONTROL_PLANE, "role"),
            ("mtls: {role: 'cn:{role}'}", FRONTIER_PLANE, "frontier"),
        ] {
            let error = parse(&format!("{plane}: {{auth: {{methods: [{{{method}}}]}}}}")).unwrap_err();
            let name = method.split(':').next().unwrap();
            assert!(
                error.contains(&format!(
                    "{plane}.auth.methods[0].{name}: lets nobody in without `{expected}`"
                )),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_exposed_though_it_was_asked_for_is_told() {
        let exposed = |yaml: &str| parse(yaml).unwrap().exposed_planes();
        assert_eq!(exposed(""), [] as [&str; 0]);
        let lines = exposed(
            "control_plane: {listen: {addr: 0.0.0.0:1}, open_to_all: true}
frontier_plane: {listen: {addr: 0.0.0.0:2}, auth: {methods: [{token: {file: /t}}]}}",
        );
        assert!(
            lines[0].contains("0.0.0.0:1 may ask") && lines[0].contains("control_plane.auth"),
            "{lines:?}"
        );
        assert!(lines[1].contains("read on the way: set frontier_plane.listen.tls"), "{lines:?}");
    }
}
