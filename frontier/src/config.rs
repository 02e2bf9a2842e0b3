//! The gateway's configuration: what can be set, its defaults and its bounds.

mod access;
mod bypass;
mod control_plane;
mod forward;
mod limits;
mod listen;
mod membership;
mod mq;
mod original;
mod token_source;
mod tracing;
mod validation;
mod warnings;

pub(crate) use access::warnings as access_warnings;
pub use access::{AccessErrors, EDGEBOUND, SERVICEBOUND};
pub(crate) use access::{load, reload};
pub use bypass::Bypass;
pub use control_plane::{CONTROLPLANE, ControlPlaneConfig};
pub use forward::Forward;
pub use frontier_bridge::{BridgeConfig, PLANE as BRIDGE};
pub use frontier_daemon::config_source::Refused;
pub use frontier_relay::{PLANE as RELAY, RelayConfig};
pub use limits::Limits;
pub use listen::{Listen, Proxies, ProxyProtocol, Wires};
pub use membership::{ClusterAlternatives, Membership};
pub use mq::Mq;
pub use token_source::TokenSource;
pub use tracing::Tracing;

use frontier_access::AccessConfig;
use frontier_admin::{ObservabilityConfig, ServerConfig};
use frontier_config::{self as config, Choice, ConfigErrors, FixedSettings, Override, Section, Surroundings};
use frontier_daemon::foreign_keys;
use frontier_daemon::telemetry::LogConfig;
use frontier_exchange::Balance;
use frontier_transport::{ClientTls, ServerTls, Spin};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where metrics are served, unless it is said.
const OBSERVABILITY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9091);

/// How one service is chosen among those that take the same name, as it stands in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct HashBy(Balance);

impl Choice for HashBy {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("edgeid", Self(Balance::EdgeId)),
        ("srcip", Self(Balance::SrcIp)),
        ("random", Self(Balance::Random)),
        ("round_robin", Self(Balance::RoundRobin)),
        ("least_inflight", Self(Balance::LeastInflight)),
    ];
}

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is logged, and how.
    pub log: LogConfig,
    /// How the process runs.
    pub daemon: Daemon,
    /// The side of the edges.
    pub edgebound: Edgebound,
    /// The side of the services.
    pub servicebound: Servicebound,
    /// The port for operators; `None` if there is to be none.
    pub control_plane: Option<ControlPlaneConfig>,
    /// Topics for browsers; `None` if there are to be none.
    pub bridge: Option<BridgeConfig>,
    /// The relay for batch jobs; `None` if there is to be none.
    pub relay: Option<RelayConfig>,
    /// How one service is chosen among several.
    pub balance: Balance,
    /// The deadline of a call or a message that brings none.
    pub call_timeout: Duration,
    /// What peers may make the gateway hold.
    pub limits: Limits,
    /// Who may connect and what they may do.
    pub access: AccessConfig,
    /// What happens when any of this changes while the gateway runs.
    pub reload: ReloadConfig,
    /// The cluster that it is part of, if any.
    pub membership: Option<Membership>,
    /// The topics that go to message brokers.
    pub mq: Mq,
    /// Where traces are sent, if they are.
    pub tracing: Option<Tracing>,
    /// The port for scrapes and orchestrators, if there is to be one.
    pub observability: Option<ObservabilityConfig>,
    /// What is written and means nothing, or is off, in lines.
    pub(crate) ignored: Vec<String>,
    /// The values of what takes a restart, as they were read.
    pub fixed: FixedSettings,
}

/// How the process runs.
#[derive(Clone, Copy, Debug)]
pub struct Daemon {
    /// Worker threads; 0 for one per processor.
    pub threads: usize,
    /// For how long threads of connections stay awake after they had something to do.
    pub spin: Duration,
    /// How long the gateway may take from the signal to stop to its end.
    pub grace: Duration,
    /// The part of the grace over which edges are sent away, one after the other.
    pub drain_spread: Duration,
}

/// The side of the edges.
#[derive(Clone, Debug)]
pub struct Edgebound {
    /// Where edges connect to: one place at least.
    pub listeners: Vec<Listen>,
    /// Whether edges are let in when no service gives out ids.
    pub allocate_ids: bool,
    /// Whether such an edge gets the id that it asks for. Else it gets one from the gateway.
    pub requested_ids: bool,
    /// How long a service may take over `get_edge_id`, `edge_online` and `edge_offline`.
    pub callback_timeout: Duration,
    /// Where connections go that speak neither wire; `None` to refuse them.
    pub bypass: Option<Bypass>,
    /// Where edges may go when the gateway stops, as URLs.
    pub alternatives: Vec<String>,
}

/// The side of the services.
#[derive(Clone, Debug)]
pub struct Servicebound {
    /// Where services connect to: one place at least.
    pub listeners: Vec<Listen>,
    /// Where services may go when the gateway stops, as URLs.
    pub alternatives: Vec<String>,
}

/// What happens when configuration or its files change while the gateway runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReloadConfig {
    /// Whether files are watched. SIGHUP reloads in any case.
    pub watch: bool,
    /// Whether connections that would be refused by what is new are closed. Else they live on as they are.
    pub enforce: bool,
}

impl Config {
    /// The environment variables that replace keys.
    pub const OVERRIDES: &[Override] = &[
        foreign_keys::LOG_LEVEL,
        foreign_keys::LOG_OUTPUT,
        foreign_keys::LOG_FORMAT,
        Override::new("FRONTIER_LOG_LEVEL", "log.level"),
        Override::new("FRONTIER_LOG_FORMAT", "log.format"),
        Override::new("FRONTIER_LOG_OUTPUT", "log.output"),
        Override::new("FRONTIER_EDGEBOUND_ADDR", "edgebound.listen.addr"),
        Override::port("FRONTIER_EDGEBOUND_PORT", "edgebound.listen.addr", "0.0.0.0:30012"),
        Override::new("FRONTIER_SERVICEBOUND_ADDR", "servicebound.listen.addr"),
        Override::port("FRONTIER_SERVICEBOUND_PORT", "servicebound.listen.addr", "0.0.0.0:30011"),
        Override::new("FRONTIER_CONTROLPLANE_ADDR", "controlplane.listen.addr"),
        Override::new("FRONTIER_CONTROLPLANE_OPEN_TO_ALL", "controlplane.open_to_all"),
        Override::new("FRONTIER_THREADS", "daemon.threads"),
        // Of several that set one key the last one counts: the name that says more.
        Override::after("NODE_NAME", "daemon.frontier_id", "frontier-"),
        Override::new("FRONTIER_ID", "daemon.frontier_id"),
        Override::seconds("FRONTIER_DRAIN_SECONDS", "daemon.grace"),
        Override::new("FRONTLAS_ADDR", "frontlas.dial.addrs").and("frontlas.enable", "true"),
        Override::new("FRONTIER_FRONTLAS_ADDRS", "frontlas.dial.addrs"),
    ];

    /// Reads YAML, with overrides from the environment, and the certificates of listeners.
    ///
    /// # Errors
    /// [`ConfigErrors`] with every mistake in it.
    pub fn parse(yaml: &str, environment: config::Environment<'_>) -> Result<Self, ConfigErrors> {
        let surroundings = Surroundings { environment, variables: &[], folder: Path::new("") };
        Self::read_from(yaml, &surroundings, Self::read)
    }

    /// As [`parse`](Self::parse), and looks into all other files that it names as well, as the daemon does. Blocks
    /// while it reads them.
    ///
    /// # Errors
    /// [`Refused`] with every mistake in it and in the files.
    pub fn load(yaml: &str, surroundings: &Surroundings<'_>) -> Result<Self, Refused> {
        let mut files = Vec::new();
        let read = |root: &Section<'_>| {
            let config = Self::read(root);
            validation::reject_files(&config, root);
            files = config.watched();
            config
        };
        Self::read_from(yaml, surroundings, read).map_err(|errors| Refused { errors, files })
    }

    fn read_from(
        yaml: &str,
        surroundings: &Surroundings<'_>,
        read: impl FnOnce(&Section<'_>) -> Self,
    ) -> Result<Self, ConfigErrors> {
        let (config, fixed) = config::load_in(yaml, surroundings, Self::OVERRIDES, read)?;
        Ok(Self { fixed, ..config })
    }

    /// Reads the files that `access` and `auth` name, and throws away what is in them.
    fn check_access(&self) -> Result<(), AccessErrors> {
        load(&self.access).map(drop)
    }

    /// The files that were read to come by this configuration, or will be: those to watch.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let listeners = self.edgebound.listeners.iter().chain(&self.servicebound.listeners);
        let of_tls = listeners.filter_map(|listen| listen.tls.as_ref()).flat_map(ServerTls::files);
        let of_planes = self.plane_tls().into_iter().flat_map(|(_, tls)| tls.files());
        of_tls
            .chain(of_planes)
            .chain(self.mq.files.iter().cloned())
            .chain(self.access.files().into_iter().map(|(_, path)| path))
            .collect()
    }

    /// The TLS of those planes that have any, each with the key of its section.
    pub(crate) fn plane_tls(&self) -> Vec<(&'static str, &ServerTls)> {
        self.planes().into_iter().filter_map(|(key, server)| Some((key, server.tls.as_ref()?))).collect()
    }

    /// The planes that there are to be, each with the key of its section.
    fn planes(&self) -> Vec<(&'static str, &ServerConfig)> {
        let control_plane = self.control_plane.as_ref().map(|plane| (CONTROLPLANE, &plane.server));
        let bridge = self.bridge.as_ref().map(|bridge| (BRIDGE, &bridge.server));
        let relay = self.relay.as_ref().map(|relay| (RELAY, &relay.server));
        control_plane.into_iter().chain(bridge).chain(relay).collect()
    }

    /// The TLS with which it dials others, each with the key of the section that has a section `tls`.
    pub(crate) fn client_tls(&self) -> Vec<(&'static str, &ClientTls)> {
        let member = self.membership.as_ref();
        let clients = [
            self.edgebound.bypass.as_ref().map(|bypass| ("edgebound.bypass", &bypass.dial.tls)),
            member.map(|membership| ("frontlas.dial", &membership.dial.tls)),
            member.and_then(|it| it.forward.as_ref()).map(|forward| ("frontlas.forward", &forward.dial.tls)),
        ];
        clients.into_iter().flatten().collect()
    }

    /// The [files](Self::files), if they are to be watched.
    pub(crate) fn watched(&self) -> Vec<PathBuf> {
        if self.reload.watch { self.files() } else { Vec::new() }
    }

    fn read(root: &Section<'_>) -> Self {
        let log = LogConfig::read(&root.section("log"));
        let (daemon, exchange) = (root.section("daemon").fixed(), root.section("exchange").fixed());
        let (edgebound, servicebound) = (root.section(EDGEBOUND).fixed(), root.section(SERVICEBOUND).fixed());
        let mut access = AccessConfig::read(root);
        let edge_listeners = Listen::read_side(&edgebound, 30012, &mut access.auth);
        access::read_side(&edgebound, &edge_listeners, &mut access);
        let service_listeners = Listen::read_side(&servicebound, 30011, &mut access.auth);
        access::read_side(&servicebound, &service_listeners, &mut access);
        let control_plane = ControlPlaneConfig::read(root, &mut access);
        let bridge = BridgeConfig::read(root, &mut access);
        let grace =
            daemon.within("grace", Duration::from_secs(25), Duration::ZERO..=Duration::from_secs(3600));
        let limits = Limits::read(&root.section("limits").fixed());
        let mq = Mq::read(root, limits.name_len);
        let relay = RelayConfig::read(root, &mq.brokers, &mut access);
        mq.reject_idle(root, relay.as_ref());
        let mut config = Self {
            log,
            daemon: Daemon {
                threads: daemon.within("threads", 0, 0..=1024),
                spin: daemon.within("spin", Duration::ZERO, Duration::ZERO..=Spin::MAX),
                grace,
                drain_spread: daemon.within("drain_spread", grace / 2, Duration::ZERO..=grace),
            },
            edgebound: Edgebound {
                listeners: edge_listeners,
                allocate_ids: edgebound.get("edgeid_alloc_when_no_idservice_on", true),
                requested_ids: edgebound.get("allow_requested_id", true),
                callback_timeout: edgebound.within(
                    "callback_timeout",
                    Duration::from_secs(5),
                    Duration::from_millis(10)..=Duration::from_secs(300),
                ),
                bypass: Bypass::read(&edgebound),
                alternatives: listen::alternatives(&edgebound),
            },
            servicebound: Servicebound {
                listeners: service_listeners,
                alternatives: listen::alternatives(&servicebound),
            },
            control_plane,
            bridge,
            relay,
            balance: exchange.filled("hashby", HashBy::default()).0,
            call_timeout: exchange.within(
                "call_timeout",
                Duration::from_secs(30),
                Duration::from_millis(1)..=Duration::from_secs(24 * 3600),
            ),
            mq,
            limits,
            access,
            reload: ReloadConfig::read(&root.section("reload")),
            membership: Membership::read(root),
            tracing: Tracing::read(&root.section("tracing").fixed()),
            observability: ObservabilityConfig::read(root, OBSERVABILITY),
            ignored: original::ignored(root),
            fixed: FixedSettings::default(),
        };
        if let Some(forward) = config.membership.as_mut().and_then(|membership| membership.forward.as_mut()) {
            forward.is_secured |= config.servicebound.listeners.iter().all(|listen| listen.tls.is_some());
        }
        config.ignored.extend(root.hints());
        validation::reject_taken_ports(&config, root);
        validation::reject_unreachable(&config, root);
        config
    }
}

impl ReloadConfig {
    fn read(section: &Section<'_>) -> Self {
        let section = section.reloadable();
        Self { watch: section.get("watch", true), enforce: section.get("enforce", false) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(yaml: &str) -> FixedSettings {
        Config::parse(yaml, &|_| None).unwrap().fixed
    }

    #[test]
    fn what_takes_a_restart_is_named() {
        let before = fixed("");
        let after = "
log: {level: debug, format: json}
edgebound: {listen: {addr: 127.0.0.1:1}, auth: {methods: [{token: {file: /t}}]}}
limits: {meta_size: 1KiB}
reload: {enforce: true}
";
        assert_eq!(before.changed(&fixed(after)), ["log.format", "edgebound listeners", "limits.meta_size"]);
        assert!(before.changed(&fixed("log: {level: trace}")).is_empty());
    }

    #[test]
    fn every_key_is_fixed_or_reloadable() {
        let every_form = "
edgebound:
  listeners:
    - {addr: 127.0.0.1:1, auth: {methods: [{token: {file: /t}}, {mtls: {}}, {jwt: {keys: [{secret: s}]}}]}}
quotas: [{for: edge, calls: {rate: 1}}]
bridge: {topics: [{name: t, fields: [a]}], flat: [{path: /f, topics: [t]}]}
relay: {amqp: {exchanges: [{name: e, routing_keys: [a]}]}, kafka: {topics: [t]}}
";
        for yaml in ["", every_form] {
            assert_eq!(fixed(yaml).undeclared(), [] as [&str; 0]);
        }
    }

    #[test]
    fn a_place_is_compared_however_it_is_written() {
        let before = fixed("edgebound: {listen: {addr: 127.0.0.1:1}}");
        for (yaml, changed) in [
            ("edgebound: {listeners: [{addr: 127.0.0.1:1, network: tcp}]}", &[] as &[&str]),
            ("edgebound: {listeners: [{addr: 127.0.0.1:1}, {addr: 127.0.0.1:2}]}", &["edgebound listeners"]),
            (
                "{edgebound: {listen: {addr: 127.0.0.1:1}}, servicebound: {listen: {addr: 127.0.0.1:2}}, \
                 frontlas: {enable: true}, daemon: {frontier_id: a}}",
                &["servicebound listeners", "frontlas"],
            ),
            ("{edgebound: {listen: {addr: 127.0.0.1:1}}, frontlas: {dial: {addrs: [a:1]}}}", &[]),
        ] {
            assert_eq!(before.changed(&fixed(yaml)), changed, "{yaml}");
        }
    }
}
