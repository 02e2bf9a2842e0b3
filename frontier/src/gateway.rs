mod drain;
mod side;

use crate::cluster::{AdvertiseError, Advertised, Locator, Member, rebalance};
use crate::config::{AccessErrors, Config};
use crate::exchange::Exchange;
use crate::forwarding::Forwarding;
use crate::policy::{self, Policies};
use crate::reload::Live;
use crate::sweep;
use frontier_protocol::Role;
use side::Side;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How long leaving the cluster may take.
const LEAVE: Duration = Duration::from_secs(5);

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
    /// A side has no listener.
    #[error("there is no listener for {0}")]
    Nowhere(&'static str),
    /// Files that say who may connect and what they may do can't be used.
    #[error("{0}")]
    Access(AccessErrors),
    /// Others of the cluster could not reach the gateway.
    #[error(transparent)]
    Advertise(#[from] AdvertiseError),
}

/// A part of the gateway has failed; the rest of it must not go on without.
#[derive(Clone, Copy, Debug, Error)]
#[error("the sweep of deadlines has failed")]
pub struct ServeError;

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
    edges: Side,
    services: Side,
    policies: Arc<Policies>,
    member: Option<(Member, Locator)>,
}

impl Gateway {
    /// Listens on all addresses. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`StartError`] if an address can't be listened on, or there is something wrong with the files that say
    /// who may connect and what they may do.
    pub fn bind(config: &Config) -> Result<Self, StartError> {
        let access = crate::config::load(&config.access).map_err(StartError::Access)?;
        let exchange = Exchange::new(config.limits.clone(), config.balance, config.call_timeout);
        let policies = Arc::new(Policies::new(config, access));
        let bind = |role, listeners| Side::bind(&exchange, &policies, role, config, listeners);
        let services = bind(Role::Service, &config.servicebound.listeners)?;
        let edges = bind(Role::Edge, &config.edgebound.listeners)?;
        let member = config.membership.as_ref().map(|membership| {
            let advertised = Advertised::new(membership, &services.bound, &edges.bound)?;
            exchange.registry.services.be(&advertised.id);
            let (id, forward) = (advertised.id.clone(), membership.forward.as_ref());
            let (member, locator) = Member::new(exchange.clone(), membership, advertised);
            if let Some(forward) = forward {
                exchange.set_forwarding(Forwarding::new(&id, forward, locator.clone(), &exchange));
            }
            Ok::<_, StartError>((member, locator))
        });
        Ok(Self { services, edges, policies: policies.clone(), member: member.transpose()?, exchange })
    }

    /// Where edges connect to, by the first of their listeners.
    #[must_use]
    pub fn edgebound(&self) -> SocketAddr {
        self.edges.addrs[0]
    }

    /// Where edges connect to, in the order of the configuration.
    #[must_use]
    pub fn edgebound_all(&self) -> &[SocketAddr] {
        &self.edges.addrs
    }

    /// Where services connect to, by the first of their listeners.
    #[must_use]
    pub fn servicebound(&self) -> SocketAddr {
        self.services.addrs[0]
    }

    /// Where services connect to, in the order of the configuration.
    #[must_use]
    pub fn servicebound_all(&self) -> &[SocketAddr] {
        &self.services.addrs
    }

    /// What reloads it while it runs.
    #[must_use]
    pub fn live(&self) -> Live {
        Live::new(self.exchange.clone(), self.policies.clone())
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
        let Self { exchange, edges, services, policies, member } = self;
        let leave = CancellationToken::new();
        let leaves = leave.clone();
        let moving = member.as_ref().map(|_| tokio::spawn(rebalance::run(exchange.clone())));
        let _moving = moving.map(|moving| AbortOnDrop(moving.abort_handle()));
        let mut membership = tokio::spawn(async move {
            if let Some((member, _)) = member {
                member.run(leaves).await;
            }
        });
        let _belonging = AbortOnDrop(membership.abort_handle());
        let forwarding = exchange.forwarding().cloned();
        let mut sweeper = tokio::spawn(sweep::run(exchange.clone()));
        let _sweeping = AbortOnDrop(sweeper.abort_handle());
        let watching = tokio::spawn(policy::watch(policies, exchange.clone()));
        let _watching = AbortOnDrop(watching.abort_handle());
        let accepting = async { tokio::join!(edges.accept(stop.clone()), services.accept(stop.clone())) };
        let (edges, services) = tokio::select! {
            accepted = accepting => accepted,
            _ = &mut sweeper => return Err(ServeError),
        };
        exchange.draining.set();
        drain::run(&edges.context, &services.context).await;
        if let Some(forwarding) = forwarding {
            forwarding.close().await;
        }
        leave.cancel();
        if tokio::time::timeout(LEAVE, &mut membership).await.is_err() {
            warn!("gave up waiting for frontlas");
        }
        Ok(())
    }
}
