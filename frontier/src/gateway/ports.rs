//! The ports beside those of edges and services: metrics, operators, subscribers of the bridge, batch jobs.

use super::StartError;
use crate::bridge::GatewayBridge;
use crate::config::{BRIDGE, CONTROLPLANE, Config, RELAY};
use crate::control_plane::{self, ControlPlane};
use crate::observability::Telling;
use crate::relay::GatewayRelay;
use frontier_admin::{Observability, Observing};
use frontier_relay::Handle;
use frontier_transport::ServerTls;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Ports that listen and are not served yet.
#[derive(Debug, Default)]
pub(super) struct Ports {
    pub(super) observability: Option<Observability>,
    pub(super) control_plane: Option<ControlPlane>,
    pub(super) bridge: Option<GatewayBridge>,
    pub(super) relay: Option<GatewayRelay>,
}

/// Ports that are served until this is dropped.
pub(super) struct ServedPorts {
    observing: Option<Observing>,
    operating: Option<AbortOnDropHandle<()>>,
    /// Operators may look on until this.
    over: CancellationToken,
    relay: Option<Handle>,
    /// All jobs are answered.
    jobs_served: CancellationToken,
    _tasks: JoinSet<()>,
}

impl Ports {
    pub(super) fn bind(config: &Config, parts: control_plane::Parts<'_>) -> Result<Self, StartError> {
        let (exchange, policies) = (parts.exchange, parts.policies);
        let observability = config.observability.as_ref().map(Observability::bind).transpose();
        let observability = observability.map_err(StartError::Observability)?;
        let control_plane = match &config.control_plane {
            Some(plane) => ControlPlane::bind(plane, config, parts).map_err(StartError::ControlPlane)?,
            None => None,
        };
        let bridge =
            config.bridge.as_ref().map(|it| GatewayBridge::bind(it, exchange, policies)).transpose()?;
        let relay = config.relay.as_ref().map(|it| GatewayRelay::bind(it, exchange, policies)).transpose()?;
        Ok(Self { observability, control_plane, bridge, relay })
    }

    pub(super) fn is_empty(&self) -> bool {
        let Self { observability, control_plane, bridge, relay } = self;
        observability.is_none() && control_plane.is_none() && bridge.is_none() && relay.is_none()
    }

    /// The certificates that they show, each with the section that names it.
    pub(super) fn tls(&self) -> impl Iterator<Item = (&'static str, ServerTls)> {
        let plane = self.control_plane.as_ref().and_then(ControlPlane::tls).map(|tls| (CONTROLPLANE, tls));
        let bridge = self.bridge.as_ref().and_then(GatewayBridge::tls).map(|tls| (BRIDGE, tls));
        let relay = self.relay.as_ref().and_then(GatewayRelay::tls).map(|tls| (RELAY, tls));
        [plane, bridge, relay].into_iter().flatten()
    }

    /// Serves them. From `stop` on they say that the gateway is not ready, and the relay takes no job.
    pub(super) async fn serve(self, telling: &Telling, stop: &CancellationToken) -> ServedPorts {
        let mut tasks = JoinSet::new();
        if !self.is_empty() {
            tasks.spawn(telling.ask());
        }
        let relay = self.relay.as_ref().map(GatewayRelay::handle);
        let observing = match self.observability {
            Some(port) => Some(port.run(telling.metrics(), telling.probe(&[""], stop.clone()).await)),
            None => None,
        };
        let over = CancellationToken::new();
        let operating = self.control_plane.map(|plane| {
            let (telling, stop, over) = (telling.clone(), stop.clone(), over.clone());
            AbortOnDropHandle::new(tokio::spawn(async move { plane.run(&telling, stop, over).await }))
        });
        if let Some(bridge) = self.bridge {
            let (telling, stop) = (telling.clone(), stop.clone());
            tasks.spawn(async move { bridge.run(&telling, stop).await });
        }
        let jobs_served = CancellationToken::new();
        if let Some(relay) = self.relay {
            let (telling, stop, served) = (telling.clone(), stop.clone(), jobs_served.clone());
            tasks.spawn(async move { relay.run(&telling, stop, served).await });
        }
        ServedPorts { observing, operating, over, relay, jobs_served, _tasks: tasks }
    }
}

impl ServedPorts {
    /// Waits until the jobs that wait are answered, for as long as `share` grants of what that may take. Those that still
    /// wait then will ask another gateway.
    pub(super) async fn answer_jobs(&self, share: impl FnOnce(Duration) -> Duration) {
        if let Some(relay) = &self.relay {
            let _ = tokio::time::timeout(share(relay.budget()), self.jobs_served.cancelled()).await;
        }
    }

    /// Waits until brokers have confirmed what nobody waits for, no longer than `within`.
    pub(super) async fn close_relay(&self, within: Duration) {
        if let Some(relay) = &self.relay {
            relay.close(within).await;
        }
    }

    /// Ends what operators see, and waits for that.
    pub(super) async fn end(self) {
        if let Some(observing) = self.observing {
            observing.end().await;
        }
        self.over.cancel();
        if let Some(operating) = self.operating {
            // It keeps a deadline itself.
            let _ = operating.await;
        }
    }
}
