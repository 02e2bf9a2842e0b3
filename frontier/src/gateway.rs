//! The gateway as a whole: what it is made of, from listening to the end of the drain.

mod drain;
mod side;

use crate::bridge::{BridgeError, GatewayBridge};
use crate::carriers::CarrierThreads;
use crate::cluster::{AdvertiseError, Advertised, ClusterState, Locator, Member, rebalance};
use crate::config::{AccessErrors, BRIDGE, CONTROLPLANE, Config, Listen, RELAY};
use crate::control_plane::{self, Addrs, ControlPlane};
use crate::forwarding::Forwarding;
use crate::mq::{Brokers, Sources};
use crate::observability::{GatewayMetrics, SelfProbe, Telling};
use crate::policy::{self, Policies};
use crate::relay::{GatewayRelay, RelayError};
use crate::reload::Live;
use crate::session::Context;
use crate::traces::Recorder;
use drain::DrainConfig;
use frontier_admin::{BindError, Observability, ProcessMetrics};
use frontier_daemon::telemetry::LogHandle;
use frontier_exchange::{Exchange, RemoteEdges, Settings, Tracer};
use frontier_mq::{OpenSpool, SinkConfig, SpoolError};
use frontier_protocol::Role;
use frontier_transport::{ExpiryLog, MemoryPort};
use side::{Listeners, Side};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How long leaving the cluster may take, at most.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long brokers may take, at the end of a drain, to confirm messages of which nobody waits to hear.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);

/// How long receivers may take, at the beginning of a drain, to ack what came from brokers.
const SOURCES_TIMEOUT: Duration = Duration::from_secs(10);

/// How long edges wait at the start, until it is known what the services of other gateways take.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why the gateway did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address could not be listened on.
    #[error("can't listen on {addr} for {side}")]
    Listen {
        /// The configured address.
        addr: SocketAddr,
        /// Edges or services.
        side: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The system gives no threads for connections.
    #[error("can't start a thread for connections for each of `daemon.threads`")]
    Threads(#[source] io::Error),
    /// A side has no listener.
    #[error("there is no listener for {0}")]
    Nowhere(&'static str),
    /// Files that say who may connect and what they may do can't be used.
    #[error("{0}")]
    Access(AccessErrors),
    /// Traces can't be sent as `tracing` says.
    #[error("traces can't be sent by `tracing`: {0}")]
    Traces(opentelemetry_otlp::ExporterBuildError),
    /// The port for metrics did not start.
    #[error(transparent)]
    Observability(BindError),
    /// The port for operators did not start.
    #[error(transparent)]
    ControlPlane(BindError),
    /// The bridge did not start.
    #[error(transparent)]
    Bridge(#[from] BridgeError),
    /// The relay did not start.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The spool of a sink can't be used.
    #[error("mq.spool.path: can't use the spool of mq:{sink}")]
    Spool {
        /// The sink.
        sink: &'static str,
        /// Why.
        source: SpoolError,
    },
    /// Others of the cluster could not reach the gateway.
    #[error(transparent)]
    Advertise(#[from] AdvertiseError),
}

/// How late a deadline may be noticed. Callers keep their own as well.
const SWEEP_INTERVAL: Duration = Duration::from_millis(250);

/// A part of the gateway has failed; the rest of it must not go on without.
#[derive(Clone, Copy, Debug, Error)]
#[error("the sweep of deadlines has failed")]
pub struct ServeError;

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

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
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
    observability: Option<Observability>,
    process: ProcessMetrics,
    control_plane: Option<ControlPlane>,
    bridge: Option<GatewayBridge>,
    relay: Option<GatewayRelay>,
}

impl Gateway {
    /// Listens on all addresses. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`StartError`] if an address can't be listened on, or there is something wrong with the files that say
    /// who may connect and what they may do.
    pub fn bind(config: &Config) -> Result<Self, StartError> {
        let mut gateway = Self::bind_with(config, Listeners::bind)?;
        let observability = config.observability.as_ref().map(Observability::bind).transpose();
        gateway.observability = observability.map_err(StartError::Observability)?;
        if let Some(plane) = &config.control_plane {
            let Self { exchange, policies, cluster, .. } = &gateway;
            let parts = control_plane::Parts {
                frontier_id: gateway.member.as_ref().map_or("", |(member, _)| member.id()),
                addrs: Addrs { edges: &gateway.edges.0.addrs, services: &gateway.services.0.addrs },
                exchange,
                policies,
                cluster,
            };
            gateway.control_plane =
                ControlPlane::bind(plane, config, parts).map_err(StartError::ControlPlane)?;
        }
        if let Some(bridge) = &config.bridge {
            let Self { exchange, policies, .. } = &gateway;
            gateway.bridge = Some(GatewayBridge::bind(bridge, exchange, policies)?);
        }
        if let Some(relay) = &config.relay {
            let Self { exchange, policies, .. } = &gateway;
            gateway.relay = Some(GatewayRelay::bind(relay, exchange, policies)?);
        }
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
            observability: None,
            process: ProcessMetrics::new(),
            control_plane: None,
            bridge: None,
            relay: None,
        })
    }

    /// Where metrics are served, and whether the gateway is ready; `None` if they are not.
    #[must_use]
    pub fn observability(&self) -> Option<SocketAddr> {
        self.observability.as_ref().map(Observability::addr)
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
        let plane = self.control_plane.as_ref().and_then(ControlPlane::tls).map(|tls| (CONTROLPLANE, tls));
        let bridge = self.bridge.as_ref().and_then(GatewayBridge::tls).map(|tls| (BRIDGE, tls));
        let relay = self.relay.as_ref().and_then(GatewayRelay::tls).map(|tls| (RELAY, tls));
        let tls = plane.into_iter().chain(bridge).chain(relay).collect();
        Live::new(self.exchange.clone(), self.policies.clone(), tls, self.sources.clone())
    }

    /// Has operators change what is logged.
    #[must_use]
    pub fn with_log(self, log: LogHandle) -> Self {
        if let Some(plane) = &self.control_plane {
            plane.set_log(log);
        }
        self
    }

    /// Cancelled once an operator has it drain, which [`run`](Self::run) does by itself.
    #[must_use]
    pub fn drain_requested(&self) -> CancellationToken {
        self.control_plane.as_ref().map(ControlPlane::drain).unwrap_or_default()
    }

    /// Where operators connect to; `None` if there is no control plane.
    #[must_use]
    pub fn control_plane(&self) -> Option<SocketAddr> {
        self.control_plane.as_ref().map(ControlPlane::addr)
    }

    /// Where subscribers of the bridge connect to; `None` if there is none.
    #[must_use]
    pub fn bridge(&self) -> Option<SocketAddr> {
        self.bridge.as_ref().map(GatewayBridge::addr)
    }

    /// Where batch jobs connect to; `None` if there is no relay.
    #[must_use]
    pub fn relay(&self) -> Option<SocketAddr> {
        self.relay.as_ref().map(GatewayRelay::addr)
    }

    /// Tells where the edges of the cluster are; `None` if the gateway is part of none.
    #[must_use]
    pub fn locator(&self) -> Option<Locator> {
        self.member.as_ref().map(|(_, locator)| locator.clone())
    }

    /// Serves until `stop`, then drains: nobody new is let in, everyone is asked to go elsewhere, and
    /// what is in flight may end within the grace. Edges go first, so that services hear of every one of
    /// them; then the services go.
    ///
    /// # Errors
    /// [`ServeError`] if a part of the gateway fails before `stop`.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ServeError> {
        // Until all is over.
        let _carriers = self.carriers;
        let Self {
            exchange,
            edges,
            services,
            policies,
            expiry,
            drain,
            cluster,
            member,
            forwarding,
            traces,
            mq,
            sources,
            control_plane,
            bridge,
            relay,
            ..
        } = self;
        let brokers = Brokers::start(&exchange, mq);
        sources.start().await;
        let stop = either(&stop, control_plane.as_ref().map(ControlPlane::drain));
        let relaying = relay.as_ref().map(GatewayRelay::handle);
        let of_relay = relaying.iter().flat_map(|relay| relay.sinks());
        let telling = Telling::new(GatewayMetrics {
            exchange: exchange.clone(),
            contexts: [&edges, &services].map(|(_, side)| side.context().clone()),
            cluster: cluster.clone(),
            sinks: brokers.sinks().into_iter().chain(of_relay).collect(),
            sources: sources.clone(),
            self_probe: SelfProbe::new(exchange.clone()),
            process: self.process,
            runtime: Handle::current(),
            bridge: bridge.as_ref().map(GatewayBridge::handle),
            relay: relaying.clone(),
            lifetimes: expiry.lifetimes(),
        });
        // All of them go on to the end of the drain.
        let is_asked =
            self.observability.is_some() || control_plane.is_some() || bridge.is_some() || relay.is_some();
        let _probing = is_asked.then(|| AbortOnDrop(tokio::spawn(telling.ask()).abort_handle()));
        let observing = match self.observability {
            Some(port) => Some(port.run(telling.metrics(), telling.probe(&[""], stop.clone()).await)),
            None => None,
        };
        let over = CancellationToken::new();
        let operating = control_plane.map(|plane| {
            let (telling, stop, over) = (telling.clone(), stop.clone(), over.clone());
            tokio::spawn(async move { plane.run(&telling, stop, over).await })
        });
        let _operating = operating.as_ref().map(|operating| AbortOnDrop(operating.abort_handle()));
        let bridging = bridge.map(|bridge| {
            let (telling, stop) = (telling.clone(), stop.clone());
            tokio::spawn(async move { bridge.run(&telling, stop).await })
        });
        let _bridging = bridging.map(|bridging| AbortOnDrop(bridging.abort_handle()));
        let jobs_served = CancellationToken::new();
        let serving_jobs = relay.map(|relay| {
            let (telling, stop, served) = (telling.clone(), stop.clone(), jobs_served.clone());
            tokio::spawn(async move { relay.run(&telling, stop, served).await })
        });
        let _serving_jobs = serving_jobs.map(|serving| AbortOnDrop(serving.abort_handle()));
        let leave = CancellationToken::new();
        let leaves = leave.clone();
        let moving = member.as_ref().map(|_| tokio::spawn(rebalance::run(exchange.clone(), cluster.clone())));
        let _moving = moving.map(|moving| AbortOnDrop(moving.abort_handle()));
        let mut membership = tokio::spawn(async move {
            if let Some((member, _)) = member {
                member.run(leaves).await;
            }
        });
        let _belonging = AbortOnDrop(membership.abort_handle());
        let mut sweeper = tokio::spawn(sweep(exchange.clone()));
        let _sweeping = AbortOnDrop(sweeper.abort_handle());
        let watching = tokio::spawn(policy::watch(policies, exchange.clone()));
        let _watching = AbortOnDrop(watching.abort_handle());
        let keeping = forwarding.clone().map(|forwarding| {
            let (exchange, others) = (exchange.clone(), cluster.neighbours.follow());
            tokio::spawn(async move { forwarding.keep_links(exchange, others).await })
        });
        let _keeping = keeping.map(|keeping| AbortOnDrop(keeping.abort_handle()));
        let renewing = tokio::spawn(expiry.run());
        let _renewing = AbortOnDrop(renewing.abort_handle());
        let accept = |(listeners, side): (Listeners, Side)| side.accept(listeners, stop.clone());
        let accept_edges = async {
            if let Some(forwarding) = &forwarding {
                // Else the first of them would hear that nobody takes what they ask for.
                tokio::select! {
                    _ = timeout(SETTLE_TIMEOUT, forwarding.settled()) => {}
                    () = stop.cancelled() => {}
                }
            }
            accept(edges).await
        };
        let accepting = async { tokio::join!(accept_edges, accept(services)) };
        let (edges, services) = tokio::select! {
            accepted = accepting => accepted,
            _ = &mut sweeper => return Err(ServeError),
        };
        cluster.draining.set();
        let schedule = drain.schedule();
        // Nothing more comes from brokers; who has a message of theirs acks it to the end.
        let within = schedule.share(Instant::now(), SOURCES_TIMEOUT);
        let draining = drain::run(&edges.context, &services.context, &drain, schedule, &cluster.gateways);
        tokio::join!(sources.close(within), draining);
        // What nobody waits for is still to be confirmed.
        if let Some(relay) = &relaying {
            // Whoever still waits is answered, or will ask another gateway.
            let _ = timeout(schedule.share(Instant::now(), relay.budget()), jobs_served.cancelled()).await;
        }
        let within = schedule.share(Instant::now(), CONFIRM_TIMEOUT);
        let close_relay = async {
            if let Some(relay) = &relaying {
                relay.close(within).await;
            }
        };
        tokio::join!(brokers.close(within), close_relay);
        if let Some(forwarding) = forwarding {
            // What is left of its links ends with the process.
            let _ = timeout(schedule.share(Instant::now(), LEAVE_TIMEOUT), forwarding.close()).await;
        }
        leave.cancel();
        let within = schedule.share(Instant::now(), LEAVE_TIMEOUT);
        if timeout(within, &mut membership).await.is_err() {
            warn!(
                "frontlas did not confirm within {within:?} that this gateway leaves; it will notice by itself"
            );
        }
        if let Some(traces) = traces {
            traces.close(schedule.share(Instant::now(), LEAVE_TIMEOUT)).await;
        }
        if let Some(observing) = observing {
            observing.end().await;
        }
        over.cancel();
        if let Some(operating) = operating {
            // It keeps a deadline itself.
            let _ = operating.await;
        }
        Ok(())
    }
}

/// Cancelled with the first of them.
fn either(stop: &CancellationToken, other: Option<CancellationToken>) -> CancellationToken {
    let first = stop.child_token();
    if let Some(other) = other {
        let both = first.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = other.cancelled() => both.cancel(),
                () = both.cancelled() => {}
            }
        });
    }
    first
}

/// Sweeps, and watches those whose silence is short, until it is dropped.
async fn sweep(exchange: Arc<Exchange>) -> (Infallible, Infallible) {
    let sweeps = async {
        let mut interval = tokio::time::interval(SWEEP_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            exchange.sweep().await;
        }
    };
    let watch = async {
        loop {
            tokio::time::sleep(exchange.watch().await).await;
        }
    };
    tokio::join!(sweeps, watch)
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
