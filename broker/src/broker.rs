//! The broker: its sessions, and the port that clients come to.

use crate::api::Api;
use crate::config::{Config, PLANE, PLANES, StoreConfig};
use crate::dispatch;
use crate::gate::{Forwarder, Gate};
use crate::gateway::{Connected, Gateway};
use crate::hosts;
use crate::leading::{Leading, Place};
use crate::metrics::BrokerMetrics;
use crate::reload::Live;
use crate::scaling::{self, Scaling};
use crate::sessions::{Backing, Sessions};
use crate::{gate, grpc, rest};
use axum::middleware::from_fn_with_state;
use frontier_access::LoadErrors;
use frontier_admin::{
    AuditTarget, BindError, CheckResult, LiveAccess, Metrics, NotReady, Observability, Probe, ProcessMetrics,
    Server, openapi, reflection,
};
use frontier_api::{BROKER_DESCRIPTORS, BROKER_OPENAPI, EXTERNALSCALER_DESCRIPTORS};
use frontier_config::format_duration;
use frontier_sessions_disk::{DiskStore, OpenError};
use frontier_sessions_redis::RedisStore;
use frontier_transport::{ExpiryLog, ServerTls};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often a broker that stops looks whether all is fetched.
const LOOK: Duration = Duration::from_millis(50);

/// What answers that are being written get of the grace at least, when all is computed.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// The gRPC services whose health can be asked for; the empty name stands for all.
const SERVICES: [&str; 2] = ["", "cloudsoa.BrokerService"];

/// Why the broker did not start.
#[derive(Debug, Error)]
pub enum BrokerError {
    /// Its port was not to be had.
    #[error(transparent)]
    Port(#[from] BindError),
    /// The files that say who may use it are of no use.
    #[error(transparent)]
    Access(LoadErrors),
    /// The file of durable sessions can't be used.
    #[error("store.path: {}: {error}", path.display())]
    Store {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: OpenError,
    },
}

/// A broker of work sessions.
pub struct Broker {
    server: Server,
    sessions: Sessions,
    dispatch: dispatch::DispatchHandle,
    gateway: Gateway,
    connected: Arc<OnceLock<Connected>>,
    /// The way to another broker that has the sessions.
    forwarder: Arc<Forwarder>,
    access: LiveAccess,
    tls: Option<ServerTls>,
    expiry: ExpiryLog,
    observability: Option<Observability>,
    host_ttl: Duration,
    prefetch: u32,
    grace: Duration,
}

/// Opens the store, if one is configured.
fn back(config: &Config) -> Result<Backing, BrokerError> {
    match &config.store {
        None => Ok(Backing::Nothing),
        Some(StoreConfig::Disk(disk)) => {
            let opened = DiskStore::open(disk);
            opened.map(Backing::Disk).map_err(|error| BrokerError::Store { path: disk.path.clone(), error })
        }
        Some(StoreConfig::Redis(shared)) => Ok(Backing::Redis(RedisStore::new(shared.store.clone()))),
    }
}

impl Broker {
    /// Listens. Connections wait until [`run`](Self::run); no gateway need be there yet.
    ///
    /// # Errors
    /// [`BrokerError`] if an address can't be listened on, or the files that say who may use it, or keep durable sessions, are
    /// of no use.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind(config: &Config) -> Result<Self, BrokerError> {
        Self::bind_with(config, Gateway::new(&config.gateway))
    }

    /// As [`bind`](Self::bind), with another way to hosts.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As there.
    pub fn bind_with(config: &Config, gateway: Gateway) -> Result<Self, BrokerError> {
        let access = LiveAccess::load(&config.access).map_err(BrokerError::Access)?;
        let operators = access.operators(PLANE, AuditTarget::Broker).with_api_keys().with_protocols();
        let server = Server::bind("broker", &config.sessions.server)?.operators(operators);
        let server = server.uploads(grpc::is_upload);
        let tls = config.sessions.server.tls.clone();
        let expiry = tls.iter().cloned().fold(ExpiryLog::new(), ExpiryLog::server);
        let expiry = expiry.client(config.gateway.tls.clone());
        let lines = config.hints.iter().cloned().chain(config.exposed()).chain(access.warnings(PLANES));
        for line in lines.chain(config.tls_warnings()) {
            warn!("{line}");
        }
        let observability = config.observability.as_ref().map(Observability::bind).transpose()?;
        let backing = back(config)?;
        let leading = match (&backing, config.store.as_ref().and_then(StoreConfig::redis)) {
            (Backing::Redis(redis), Some(shared)) => {
                Leading::of(redis.clone(), config.advertised(server.addr()), shared.lease)
            }
            _ => Leading::alone(),
        };
        let dispatch = dispatch::start(&config.hosts);
        let connected = Arc::new(OnceLock::new());
        let sessions = Sessions::new(
            &config.sessions,
            &config.hosts,
            backing,
            leading,
            dispatch.clone(),
            connected.clone(),
        );
        Ok(Self {
            server,
            sessions,
            dispatch,
            gateway,
            connected,
            forwarder: Arc::new(Forwarder::new(config.peers())),
            access,
            tls,
            expiry,
            observability,
            host_ttl: config.hosts.ttl,
            prefetch: config.hosts.dispatch.prefetch,
            grace: config.daemon.grace,
        })
    }

    /// Where clients come.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// What of it a reload changes.
    #[must_use]
    pub fn live(&self) -> Live {
        Live { tls: self.tls.clone(), access: self.access.clone(), redis: self.sessions.redis().cloned() }
    }

    /// Runs until `stop`. Then nothing new is taken; what is queued is computed and may be fetched, for as long as the grace
    /// of the configuration lasts.
    pub async fn run(self, stop: CancellationToken) {
        let Self { server, sessions, dispatch, gateway, connected, .. } = self;
        let leading = sessions.leading().clone();
        if leading.place() == Place::Here {
            // Before anybody is answered.
            sessions.recover().await;
        }
        let (refuse, end) = (CancellationToken::new(), CancellationToken::new());
        let probe = probe(connected.clone(), leading.clone()).await.until(refuse.clone());
        let readiness = probe.readiness();
        let watches = server.watches();
        let metrics = BrokerMetrics {
            readiness: readiness.clone(),
            sessions: sessions.clone(),
            streams: watches.clone(),
            process: ProcessMetrics::new(),
            runtime: Handle::current(),
            lifetimes: self.expiry.lifetimes(),
        };
        let metrics = Metrics::new(move |out| metrics.write(out));
        let observing = match self.observability {
            Some(port) => {
                let check = move || readiness.check();
                Some(port.run(&metrics, Probe::new("the gateway", &[""], check).await))
            }
            None => None,
        };
        let api = Api::new(sessions.clone(), watches, end.clone());
        let tasks = api.tasks.clone();
        let scaling = Scaling::new(sessions.clone(), server.watches(), self.prefetch);
        let mut router =
            rest::routes(&api, &scaling).merge(grpc::routes(api)).merge(scaling::routes(scaling));
        if sessions.redis().is_some() {
            let gate = Gate { leading: leading.clone(), forwarder: self.forwarder };
            router = router.layer(from_fn_with_state(gate, gate::enforce));
        }
        match reflection(&[BROKER_DESCRIPTORS, EXTERNALSCALER_DESCRIPTORS]) {
            Ok(reflection) => router = router.merge(reflection),
            Err(error) => warn!(%error, "there is no reflection"),
        }
        match openapi(BROKER_OPENAPI) {
            Ok(document) => router = router.merge(document),
            Err(error) => warn!(%error, "there is no OpenAPI document"),
        }
        let router = router.merge(metrics.routes());
        let expiry = self.expiry;
        let connecting = lead(&sessions, dispatch, self.host_ttl, gateway, connected.clone());
        let cut = CancellationToken::new();
        let draining = drain(stop, refuse, sessions.clone(), self.grace, end.clone(), cut.clone());
        tokio::select! {
            () = server.run_until(router, probe, end, cut.cancelled()) => {}
            () = draining => {}
            () = connecting => {}
            () = leading.run() => {}
            () = async {
                expiry.run().await;
                std::future::pending().await
            } => {}
        }
        tasks.close();
        // WebSockets that are told why they end.
        let _ = timeout(LAST_ANSWERS, tasks.wait()).await;
        if let Some(gateway) = connected.get() {
            gateway.close().await;
        }
        sessions.close().await;
        leading.resign().await;
        if let Some(observing) = observing {
            observing.end().await;
        }
    }
}

async fn probe(connected: Arc<OnceLock<Connected>>, leading: Leading) -> Probe {
    let check = move || -> CheckResult {
        let is_there = connected.get().is_some_and(Connected::is_connected);
        let found = match (leading.trouble(), leading.place()) {
            (Some(trouble), _) => Err(NotReady::of("redis, where the sessions are, can't be used", trouble)),
            (None, Place::Here) if is_there => Ok(()),
            (None, Place::Here) => Err("there is no connection to a gateway".to_owned().into()),
            // It asks the one that has them.
            (None, Place::There(_)) => Ok(()),
            (None, Place::Nowhere) => Err(NotReady::of(
                "no broker has the sessions yet",
                "this one takes them up, or waits for one",
            )),
        };
        Box::pin(std::future::ready(found))
    };
    Probe::new("the gateway", &SERVICES, check).await
}

/// Takes the sessions up as soon as this broker has them, connects, and then waits for ever.
async fn lead(
    sessions: &Sessions,
    dispatch: dispatch::DispatchHandle,
    ttl: Duration,
    gateway: Gateway,
    connected: Arc<OnceLock<Connected>>,
) {
    let mut memory = None;
    if let Some(redis) = sessions.redis() {
        sessions.leading().assured().await;
        hosts::restore(redis, ttl, &dispatch).await;
        sessions.recover().await;
        sessions.leading().open();
        memory = Some(hosts::Memory::start(redis.clone(), ttl));
    }
    tokio::spawn(hosts::watch_lost(dispatch.clone(), connected.clone()));
    connect(gateway, hosts::announced(dispatch, ttl, memory), connected).await;
}

/// Connects, and then waits for ever.
async fn connect(
    gateway: Gateway,
    announced: crate::gateway::Announced,
    connected: Arc<OnceLock<Connected>>,
) {
    match gateway.connect(announced).await {
        Ok(gateway) => {
            info!("connected to the gateway");
            let _ = connected.set(gateway);
        }
        Err(error) => tracing::error!(%error, "no gateway takes this broker: nothing is computed"),
    }
    std::future::pending().await
}

/// Waits for `stop`, and then until all is computed and fetched: `end` is the end of everything but what is being answered,
/// which may take what is left of the grace, up to `cut`. Then waits for ever.
async fn drain(
    stop: CancellationToken,
    refuse: CancellationToken,
    sessions: Sessions,
    grace: Duration,
    end: CancellationToken,
    cut: CancellationToken,
) {
    stop.cancelled().await;
    refuse.cancel();
    sessions.drain();
    let begun = Instant::now();
    let settled = async {
        while sessions.left() > 0 {
            sleep(LOOK).await;
        }
    };
    if timeout(grace.saturating_sub(LAST_ANSWERS), settled).await.is_err() {
        let left = sessions.left();
        let grace = format_duration(grace);
        warn!(left, %grace, "the grace is over: requests or responses of sessions are lost");
    }
    info!(took = %format_duration(begun.elapsed()), "drained");
    end.cancel();
    sleep_until((begun + grace).max(Instant::now() + LAST_ANSWERS)).await;
    cut.cancel();
    std::future::pending().await
}
