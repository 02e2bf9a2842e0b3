//! The gateway as a whole: what it is made of, from listening to the end of the drain.

mod background;
mod drain;
mod ports;
mod run;
mod side;
mod start_error;

use crate::bridge::GatewayBridge;
use crate::carriers::CarrierThreads;
use crate::cluster::{Advertised, ClusterState, Locator, Member};
use crate::config::{Config, Listen};
use crate::control_plane::{self, Addrs, ControlPlane};
use crate::forwarding::Forwarding;
use crate::mq::Sources;
use crate::policy::Policies;
use crate::relay::GatewayRelay;
use crate::reload::Live;
use crate::session::Context;
use crate::traces::Recorder;
use drain::DrainConfig;
use frontier_admin::{Observability, ProcessMetrics};
use frontier_daemon::telemetry::LogHandle;
use frontier_exchange::{Exchange, RemoteEdges, Settings, Tracer};
use frontier_mq::{OpenSpool, SinkConfig};
use frontier_protocol::Role;
use frontier_transport::{ExpiryLog, MemoryPort};
use ports::Ports;
pub use run::ServeError;
use side::{Listeners, Side};
pub use start_error::StartError;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Where edges and services connect to a gateway that listens within the process.
#[derive(Clone, Debug)]
pub struct MemoryPorts {
    /// For edges.
    pub edges: MemoryPort,
    /// For services.
    pub services: MemoryPort,
}

/// The sinks, each with its spool where there is one.
fn spooled(config: &Config) -> Result<Vec<(SinkConfig, Option<OpenSpool>)>, StartError> {
    let open = |sink: &SinkConfig| {
        let spool =
            config.mq.spools.get(sink.name).map(|spool| OpenSpool::open(sink.name, spool)).transpose();
        let spool = spool.map_err(|source| StartError::Spool { sink: sink.name, source })?;
        Ok((sink.clone(), spool))
    };
    config.mq.sinks.iter().map(open).collect()
}

/// A gateway that listens on both sides.
#[derive(Debug)]
pub struct Gateway {
    exchange: Arc<Exchange>,
    edges: (Listeners, Side),
    services: (Listeners, Side),
    policies: Arc<Policies>,
    expiry: ExpiryLog,
    drain: DrainConfig,
    cluster: Arc<ClusterState>,
    member: Option<(Member, Locator)>,
    forwarding: Option<Forwarding>,
    carriers: Option<CarrierThreads>,
    traces: Option<Arc<Recorder>>,
    /// The topics that go to message brokers, and what was kept for these.
    mq: Vec<(SinkConfig, Option<OpenSpool>)>,
    /// What comes from there.
    sources: Sources,
    process: ProcessMetrics,
    ports: Ports,
}

impl Gateway {
    /// Listens on all addresses. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`StartError`] if an address can't be listened on, or there is something wrong with the files that say
    /// who may connect and what they may do.
    pub fn bind(config: &Config) -> Result<Self, StartError> {
        let mut gateway = Self::bind_with(config, Listeners::bind)?;
        let Self { exchange, policies, cluster, .. } = &gateway;
        let parts = control_plane::Parts {
            frontier_id: gateway.member.as_ref().map_or("", |(member, _)| member.id()),
            addrs: Addrs { edges: &gateway.edges.0.addrs, services: &gateway.services.0.addrs },
            exchange,
            policies,
            cluster,
        };
        gateway.ports = Ports::bind(config, parts)?;
        Ok(gateway)
    }

    /// Listens on no address, but within this process: for tests of edges and services. The first listener of each side
    /// says what it asks for; its TLS is left out.
    ///
    /// # Errors
    /// As [`bind`](Self::bind), but for addresses.
    pub fn in_memory(config: &Config) -> Result<(Self, MemoryPorts), StartError> {
        let mut ports = Vec::new();
        let gateway = Self::bind_with(config, |role, listen| {
            let (listeners, port) = Listeners::memory(role, listen)?;
            ports.push((role, port));
            Ok(listeners)
        })?;
        let port = |wanted: Role| {
            let found = ports.iter().find(|(role, _)| *role == wanted).map(|(_, port)| port.clone());
            found.ok_or(StartError::Nowhere(if wanted == Role::Edge { "edges" } else { "services" }))
        };
        Ok((gateway, MemoryPorts { edges: port(Role::Edge)?, services: port(Role::Service)? }))
    }

    fn bind_with(
        config: &Config,
        mut listen: impl FnMut(Role, &[Listen]) -> Result<Listeners, StartError>,
    ) -> Result<Self, StartError> {
        let access = crate::config::load(&config.access).map_err(StartError::Access)?;
        for warning in crate::config::access_warnings(&config.access, &access) {
            warn!("{warning}");
        }
        let services = listen(Role::Service, &config.servicebound.listeners)?;
        let edges = listen(Role::Edge, &config.edgebound.listeners)?;
        let lines = config.ignored.iter().cloned().chain(config.open_listeners());
        for line in lines.chain(config.tls_warnings()).chain(config.membership_warnings()) {
            warn!("{line}");
        }
        let advertised = match &config.membership {
            Some(membership) => Some(Advertised::new(membership, &services.bound, &edges.bound)?),
            None => None,
        };
        let carriers = CarrierThreads::start(config.daemon.spin).map_err(StartError::Threads)?;
        let carried_by = carriers.as_ref().map(|threads| &threads.carriers);
        let (locator, lookups) = Locator::new();
        let forward = config.membership.as_ref().and_then(|membership| membership.forward.as_ref());
        let forwarding = advertised.as_ref().zip(forward).map(|(advertised, forward)| {
            Forwarding::new(&advertised.id, forward, &config.limits, locator.clone(), carried_by)
        });
        let instance =
            advertised.as_ref().map(|it| it.id.clone()).or_else(frontier_daemon::process::host_name);
        let instance = instance.unwrap_or_else(|| "frontier".to_owned());
        let traces = config.tracing.as_ref().map(|tracing| Recorder::new(tracing, &instance)).transpose();
        let traces = traces.map_err(StartError::Traces)?.map(Arc::new);
        let exchange = Exchange::new(Settings {
            tracer: traces.clone().map(|traces| traces as Arc<dyn Tracer>),
            limits: config.limits.exchange(config.call_timeout),
            balance: config.balance,
            gateway_id: advertised.as_ref().map(|advertised| advertised.id.as_str().into()),
            remote: forwarding.clone().map(|forwarding| Arc::new(forwarding) as Arc<dyn RemoteEdges>),
        });
        let cluster = Arc::<ClusterState>::default();
        let member = config.membership.as_ref().zip(advertised).map(|(membership, advertised)| {
            (Member::new(exchange.clone(), cluster.clone(), membership, advertised, lookups), locator)
        });
        let policies = Arc::new(Policies::new(config, access));
        let side = |role| {
            let context = Context::new(exchange.clone(), policies.clone(), role, config);
            Side::new(context.carried_by(carried_by))
        };
        let sources = Sources::new(&exchange, &config.mq.sources);
        Ok(Self {
            edges: (edges, side(Role::Edge)),
            services: (services, side(Role::Service)),
            policies: policies.clone(),
            expiry: expiry_log(config),
            drain: DrainConfig::new(config),
            cluster,
            member,
            forwarding,
            exchange,
            carriers,
            traces,
            mq: spooled(config)?,
            sources,
            process: ProcessMetrics::new(),
            ports: Ports::default(),
        })
    }

    /// Where metrics are served, and whether the gateway is ready; `None` if they are not.
    #[must_use]
    pub fn observability(&self) -> Option<SocketAddr> {
        self.ports.observability.as_ref().map(Observability::addr)
    }

    /// Where edges connect to, by the first of their listeners.
    #[must_use]
    pub fn edgebound(&self) -> SocketAddr {
        self.edges.0.addrs[0]
    }

    /// Where edges connect to, in the order of the configuration.
    #[must_use]
    pub fn edgebound_all(&self) -> &[SocketAddr] {
        &self.edges.0.addrs
    }

    /// Where services connect to, by the first of their listeners.
    #[must_use]
    pub fn servicebound(&self) -> SocketAddr {
        self.services.0.addrs[0]
    }

    /// Where services connect to, in the order of the configuration.
    #[must_use]
    pub fn servicebound_all(&self) -> &[SocketAddr] {
        &self.services.0.addrs
    }

    /// What reloads it while it runs.
    #[must_use]
    pub fn live(&self) -> Live {
        let tls = self.ports.tls().collect();
        Live::new(self.exchange.clone(), self.policies.clone(), tls, self.sources.clone())
    }

    /// Has operators change what is logged.
    #[must_use]
    pub fn with_log(self, log: LogHandle) -> Self {
        if let Some(plane) = &self.ports.control_plane {
            plane.set_log(log);
        }
        self
    }

    /// Cancelled once an operator has it drain, which [`run`](Self::run) does by itself.
    #[must_use]
    pub fn drain_requested(&self) -> CancellationToken {
        self.ports.control_plane.as_ref().map(ControlPlane::drain).unwrap_or_default()
    }

    /// Where operators connect to; `None` if there is no control plane.
    #[must_use]
    pub fn control_plane(&self) -> Option<SocketAddr> {
        self.ports.control_plane.as_ref().map(ControlPlane::addr)
    }

    /// Where subscribers of the bridge connect to; `None` if there is none.
    #[must_use]
    pub fn bridge(&self) -> Option<SocketAddr> {
        self.ports.bridge.as_ref().map(GatewayBridge::addr)
    }

    /// Where batch jobs connect to; `None` if there is no relay.
    #[must_use]
    pub fn relay(&self) -> Option<SocketAddr> {
        self.ports.relay.as_ref().map(GatewayRelay::addr)
    }

    /// Tells where the edges of the cluster are; `None` if the gateway is part of none.
    #[must_use]
    pub fn locator(&self) -> Option<Locator> {
        self.member.as_ref().map(|(_, locator)| locator.clone())
    }
}

/// What the gateway shows and goes by, at its listeners and planes and where it dials: what of it ends soon is told.
fn expiry_log(config: &Config) -> ExpiryLog {
    let listeners = config.edgebound.listeners.iter().chain(&config.servicebound.listeners);
    let listeners = listeners.filter_map(|listen| listen.tls.clone());
    let planes = config.plane_tls().into_iter().map(|(_, tls)| tls.clone());
    let log = listeners.chain(planes).fold(ExpiryLog::new(), ExpiryLog::server);
    let dialled = config.client_tls().into_iter().map(|(_, tls)| tls).chain(&config.mq.tls);
    dialled.cloned().fold(log, ExpiryLog::client)
}

#[cfg(test)]
mod measuring;
#[cfg(test)]
mod tests;
