//! The node: the directory, and the two planes over it.

use crate::api::ControlPlane;
use crate::config::{Config, Store};
use crate::metrics::{NodeMetrics, Sample};
use crate::plane::{Plane, PlaneError};
use crate::reload::Live;
use crate::tls::LiveTls;
use crate::{Directory, MemoryDirectory, PlaneAccess, RedisDirectory};
use frontier_access::{LoadErrors, PeerText};
use frontier_admin::{BindError, Metrics, Observability, Probe, ProcessMetrics};
use frontier_transport::ExpiryLog;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// How often frontiers whose lease has run out are swept: their end is in the history of changes that much later.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Why the node did not start.
#[derive(Debug, Error)]
pub enum NodeError {
    /// The control plane did not.
    #[error(transparent)]
    ControlPlane(#[from] BindError),
    /// The files that say who may connect are of no use.
    #[error(transparent)]
    Access(LoadErrors),
    /// The frontier plane did not.
    #[error(transparent)]
    FrontierPlane(#[from] PlaneError),
}

/// A cluster node: the directory, and the two planes over it.
pub struct Node {
    directory: Arc<dyn Directory>,
    redis: Option<Arc<RedisDirectory>>,
    control_plane: ControlPlane,
    frontier_plane: Plane,
    tls: LiveTls,
    expiry: ExpiryLog,
    access: PlaneAccess,
    observability: Option<Observability>,
    metrics: Metrics,
    sample: Arc<Sample>,
    grace: Duration,
}

impl Node {
    /// Opens the directory, which need not answer yet, and listens. Connections wait until
    /// [`run`](Self::run).
    ///
    /// # Errors
    /// [`NodeError`] if an address can't be listened on, or the files that say who may connect are of no use.
    pub async fn bind(config: &Config) -> Result<Self, NodeError> {
        let redis = match &config.store {
            Store::Redis(redis) => Some(Arc::new(
                RedisDirectory::new((**redis).clone(), config.lifetimes).bounded(config.bounds),
            )),
            Store::Memory => None,
        };
        let directory: Arc<dyn Directory> = match &redis {
            Some(redis) => redis.clone(),
            None => {
                warn!("the directory is in memory: this must be the only frontlas of its cluster");
                Arc::new(MemoryDirectory::new(config.lifetimes).bounded(config.bounds))
            }
        };
        let access = PlaneAccess::load(&config.access).map_err(NodeError::Access)?;
        access.set_enforced(config.enforce);
        let control_plane = ControlPlane::bind(&config.control_plane, directory.clone()).await?;
        let control_plane = control_plane.with_access(access.clone());
        let frontier_plane = Plane::bind(config.frontier_plane.clone(), directory.clone())?;
        let frontier_plane = frontier_plane.with_access(access.clone());
        let lines = config.ignored.iter().cloned().chain(config.exposed_planes());
        for line in lines.chain(access.warnings()).chain(config.tls_warnings()) {
            warn!("{line}");
        }
        let tls = LiveTls::new(config);
        let expiry = tls.expiry_log();
        let grace = config.daemon.grace;
        let observability = config.observability.as_ref().map(Observability::bind).transpose()?;
        let sample = Arc::<Sample>::default();
        let metrics = NodeMetrics {
            readiness: control_plane.readiness(),
            sample: sample.clone(),
            load: control_plane.load(),
            frontiers: frontier_plane.count(),
            redis: redis.clone(),
            process: ProcessMetrics::new(),
            runtime: Handle::current(),
            lifetimes: expiry.lifetimes(),
        };
        let metrics = Metrics::new(move |out| metrics.write(out));
        let control_plane = control_plane.with_metrics(&metrics);
        Ok(Self {
            directory,
            redis,
            control_plane,
            frontier_plane,
            tls,
            expiry,
            access,
            observability,
            metrics,
            sample,
            grace,
        })
    }

    /// Where the control plane listens.
    #[must_use]
    pub fn control_plane_addr(&self) -> SocketAddr {
        self.control_plane.addr()
    }

    /// Where frontiers report.
    #[must_use]
    pub fn frontier_plane_addr(&self) -> SocketAddr {
        self.frontier_plane.addr()
    }

    /// Where metrics are served beside the control plane; `None` if they are not.
    #[must_use]
    pub fn observability_addr(&self) -> Option<SocketAddr> {
        self.observability.as_ref().map(Observability::addr)
    }

    /// What of it a reload changes.
    #[must_use]
    pub fn live(&self) -> Live {
        let Self { tls, access, redis, .. } = self;
        Live::new(tls.clone(), access.clone(), redis.clone())
    }

    /// Who is where. It can be asked before [`run`](Self::run), during it and after it.
    #[must_use]
    pub fn directory(&self) -> Arc<dyn Directory> {
        self.directory.clone()
    }

    /// Runs until `stop`; then what is in flight has the grace of the configuration.
    pub async fn run(self, stop: CancellationToken) {
        let expiry = self.expiry;
        // The control plane's probe asks the directory; what that takes must not be on another thread.
        let readiness = self.control_plane.readiness();
        let check = move || readiness.check();
        let observing = match self.observability {
            Some(port) => Some(port.run(&self.metrics, Probe::new("the directory", &[""], check).await)),
            None => None,
        };
        let frontiers = self.frontier_plane.run(stop.clone());
        let serving = async { tokio::join!(self.control_plane.run(stop, self.grace), frontiers) };
        tokio::select! {
            _ = serving => {}
            () = async {
                expiry.run().await;
                std::future::pending().await
            } => {}
            () = sweep(&*self.directory) => {}
            () = self.sample.run(&*self.directory) => {}
        }
        if let Some(observing) = observing {
            observing.end().await;
        }
    }
}

/// Sweeps the directory, without end.
async fn sweep(directory: &dyn Directory) {
    let mut tick = interval(SWEEP_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        match directory.sweep().await {
            Ok(0) => {}
            Ok(gone) => warn!(
                gone,
                "the leases of frontiers have run out: they, and all that is on them, are listed no longer"
            ),
            // The probe of the control plane warns when the directory does not answer.
            Err(error) => debug!(error = %PeerText(error), "the sweep failed, will try again"),
        }
    }
}
