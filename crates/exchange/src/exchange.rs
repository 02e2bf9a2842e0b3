//! The exchange as a whole: what it decides by, its clock, and what it does with what comes.

use crate::balance::{Balance, Balancer};
use crate::census::Outboxes;
use crate::counters::Counters;
use crate::feed::{Connection, Follower};
use crate::lobby::Lobby;
use crate::log::LogLimits;
use crate::overdue::Tables;
use crate::own_call::OwnCalls;
use crate::punctuality::Punctuality;
use crate::registry::Registry;
use crate::relocation::Relocations;
use crate::remote::{RemoteEdges, Unacked};
use crate::self_probe::ProbePeers;
use crate::silence::Watch;
use crate::sweep::PEERS_PER_SLICE;
use crate::trace::{Spans, Tracer};
use crate::turn::let_others_run;
use crate::{Batch, Inbound, Limits, Peer, Violation};
use frontier_protocol::{EdgeId, Epoch, ServiceId};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What an exchange is made with.
#[derive(Debug)]
pub struct Settings {
    /// What peers may make it hold.
    pub limits: Limits,
    /// How a service is chosen among several.
    pub balance: Balance,
    /// The gateway's id in its cluster, if it is part of one.
    pub gateway_id: Option<Box<str>>,
    /// What reaches edges at other gateways, if they are to be reached.
    pub remote: Option<Arc<dyn RemoteEdges>>,
    /// Who records spans of requests, if anybody does.
    pub tracer: Option<Arc<dyn Tracer>>,
}

/// The exchange: everyone who is connected, what is pending between them, and the decisions.
#[derive(Debug)]
pub struct Exchange {
    registry: Registry,
    limits: Limits,
    pub(crate) balancer: Balancer,
    counters: Counters,
    started: Instant,
    /// The time of day when it started, in microseconds since 1970.
    started_at: u64,
    epochs: AtomicU64,
    pub(crate) own_calls: OwnCalls,
    pub(crate) log_limits: LogLimits,
    pub(crate) remote: Option<Arc<dyn RemoteEdges>>,
    pub(crate) unacked: Unacked,
    pub(crate) spans: Option<Spans>,
    pub(crate) lobby: Lobby,
    /// Whether services that go elsewhere stay for the edges that are still here.
    pub(crate) keeps_services: AtomicBool,
    pub(crate) relocations: Relocations,
    pub(crate) punctuality: Mutex<Punctuality>,
    pub(crate) watch: Mutex<Watch>,
    /// Those who may have something pending.
    pub(crate) tables: Tables,
    /// What the last sweep found queued.
    pub(crate) outboxes: Mutex<Outboxes>,
    pub(crate) probe: ProbePeers,
}

impl Exchange {
    /// An exchange with nobody in it.
    #[must_use]
    pub fn new(settings: Settings) -> Arc<Self> {
        let Settings { limits, balance, gateway_id, remote, tracer } = settings;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Arc::new(Self {
            registry: Registry::new(gateway_id, remote.is_some()),
            limits,
            balancer: Balancer::new(balance),
            counters: Counters::default(),
            started: Instant::now(),
            started_at: now.map_or(0, micros),
            epochs: AtomicU64::new(0),
            own_calls: OwnCalls::new(),
            log_limits: LogLimits::new(),
            remote,
            unacked: Unacked::default(),
            spans: tracer.map(Spans::new),
            lobby: Lobby::new(),
            keeps_services: AtomicBool::new(false),
            relocations: Relocations::default(),
            punctuality: Mutex::default(),
            watch: Mutex::default(),
            tables: Tables::default(),
            outboxes: Mutex::default(),
            probe: ProbePeers::new(),
        })
    }

    /// Acts on what `peer` has sent. Nothing is waited for.
    ///
    /// # Errors
    /// [`Violation`] if the peer must not send that.
    #[inline]
    pub fn on(
        self: &Arc<Self>,
        peer: &Arc<Peer>,
        inbound: Inbound<'_>,
        batch: &mut Batch<'_>,
    ) -> Result<(), Violation> {
        match inbound {
            Inbound::Request(envelope) => self.on_request(peer, envelope, batch),
            Inbound::Reply(reply) => self.on_reply(peer, reply, batch),
            Inbound::Cancel(id) => {
                self.cancel(peer, id, batch);
                Ok(())
            }
            Inbound::Register { id, change, of, names } => {
                self.on_register(peer, id, change, of, names, batch);
                Ok(())
            }
            Inbound::Returned(returned) => self.on_returned(peer, returned, batch),
            Inbound::Offer { is_first, is_last, names } => {
                self.registry.elsewhere.apply(peer, is_first, is_last, names);
                Ok(())
            }
            Inbound::Leave { is_draining } => {
                self.on_leave(peer, is_draining, batch);
                Ok(())
            }
        }
    }

    /// What many requests and replies share. Drop it before waiting for anything: until then nobody is woken.
    #[must_use]
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(&self.counters)
    }

    /// What peers may make it hold.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What went through it.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// One more follower of who comes and goes.
    #[must_use]
    pub fn follow(&self) -> Follower {
        self.registry.feed.follow()
    }

    /// Everyone who can be reached, for `follower`: what changes from here on is kept for it to take. Takes time in
    /// proportion to the connections, and holds up nobody for longer than it takes to list a shard of them.
    pub fn snapshot(&self, follower: &Follower) -> Vec<Connection> {
        follower.snapshot(|| self.registry.listed())
    }

    /// Seconds since it started.
    pub fn clock(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    /// Milliseconds since it started, in which silence is counted.
    pub fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The clock of epochs, in microseconds. It starts from the time of day, so that epochs grow over restarts as
    /// well, and from there on it is not set.
    pub fn micros(&self) -> u64 {
        self.started_at.saturating_add(micros(self.started.elapsed()))
    }

    /// An epoch greater than all before.
    pub fn next_epoch(&self) -> Epoch {
        let micros = self.micros();
        let last = self.epochs.fetch_max(micros, Ordering::Relaxed);
        if last < micros {
            return Epoch(micros);
        }
        Epoch(self.epochs.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The deadline of a request that has `timeout_ms` left at `now`; 0 stands for the default.
    #[inline]
    pub fn deadline(&self, timeout_ms: u32, now: Instant) -> Instant {
        let timeout = match timeout_ms {
            0 => self.limits.call_timeout,
            ms => Duration::from_millis(ms.into()),
        };
        now + timeout.min(self.limits.max_timeout)
    }

    /// The edge, if requests can reach it here.
    pub fn edge(&self, id: EdgeId) -> Option<Arc<Peer>> {
        self.registry.edges.online(id)
    }

    /// Whether a connection has this id, online or not.
    pub fn is_edge_taken(&self, id: EdgeId) -> bool {
        self.registry.edges.is_taken(id)
    }

    /// Whether a service has this id.
    pub fn is_service_taken(&self, id: ServiceId) -> bool {
        self.registry.services.is_taken(id)
    }

    /// The cluster's own id of the service that has this id here, if the gateway is part of a cluster.
    pub fn cluster_service_id(&self, id: ServiceId) -> Option<ServiceId> {
        self.registry.services.own_id(id)
    }

    /// Why `service` may not take, any more, what it has registered.
    pub fn denied_registration(
        &self,
        service: &Arc<Peer>,
    ) -> Option<frontier_access::rules::PermissionDenied> {
        self.registry.services.denied_name(service)
    }

    /// Calls `visit` with each edge. What comes or goes meanwhile may be missed.
    pub fn for_each_edge(&self, visit: impl FnMut(&Arc<Peer>)) {
        self.registry.edges.for_each(visit);
    }

    /// The same in slices of a few hundred edges, between which others run.
    ///
    /// # Cancel safety
    /// Cancel safe: the rest is not visited.
    pub async fn for_each_edge_in_slices(&self, mut visit: impl FnMut(&Arc<Peer>)) {
        let (mut shard, mut since_pause) = (0, 0);
        loop {
            let Some(edges) = self.registry.edges.shard_of(shard) else { return };
            shard += 1;
            since_pause += edges.len();
            edges.iter().for_each(&mut visit);
            if since_pause >= PEERS_PER_SLICE {
                since_pause = 0;
                let_others_run().await;
            }
        }
    }

    /// Calls `visit` with each service that has connected: not with what is a part of the gateway.
    pub fn for_each_service(&self, mut visit: impl FnMut(&Arc<Peer>)) {
        self.registry.services.for_each(|service| {
            if !service.is_of_gateway() {
                visit(service);
            }
        });
    }

    /// Calls `visit` with each connection of another gateway that asks here.
    pub fn for_each_origin_gateway(&self, mut visit: impl FnMut(&Arc<Peer>)) {
        self.registry.gateways.for_each(|gateway| {
            if gateway.is_origin_gateway() {
                visit(gateway);
            }
        });
    }

    /// Calls `visit` with each who was let in: edges, services, and other gateways that ask here. What comes or
    /// goes meanwhile may be missed.
    pub fn for_each(&self, mut visit: impl FnMut(&Arc<Peer>)) {
        self.for_each_edge(&mut visit);
        self.for_each_service(&mut visit);
        self.for_each_origin_gateway(&mut visit);
    }

    /// Whether edges at other gateways can be reached.
    pub fn reaches_remote_edges(&self) -> bool {
        self.remote.is_some()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests;
