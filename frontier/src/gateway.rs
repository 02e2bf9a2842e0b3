mod drain;
mod side;

use crate::config::Config;
use crate::exchange::Exchange;
use crate::sweep;
use frontier_protocol::Role;
use side::Side;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use thiserror::Error;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

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
}

impl Gateway {
    /// Listens on all addresses. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`StartError`] if an address can't be listened on.
    pub fn bind(config: &Config) -> Result<Self, StartError> {
        let exchange = Exchange::new(config.limits.clone(), config.balance, config.call_timeout);
        Ok(Self {
            services: Side::bind(&exchange, Role::Service, config, &config.servicebound.listeners)?,
            edges: Side::bind(&exchange, Role::Edge, config, &config.edgebound.listeners)?,
            exchange,
        })
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

    /// Serves until `stop`, then drains: nobody new is let in, everyone is asked to go elsewhere, and
    /// what is in flight may end within the grace. Edges go first, so that services hear of every one of
    /// them; then the services go.
    ///
    /// # Errors
    /// [`ServeError`] if a part of the gateway fails before `stop`.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ServeError> {
        let Self { exchange, edges, services } = self;
        let mut sweeper = tokio::spawn(sweep::run(exchange));
        let _sweeping = AbortOnDrop(sweeper.abort_handle());
        let accepting = async { tokio::join!(edges.accept(stop.clone()), services.accept(stop.clone())) };
        let (edges, services) = tokio::select! {
            accepted = accepting => accepted,
            _ = &mut sweeper => return Err(ServeError),
        };
        drain::run(&edges.context, &services.context).await;
        Ok(())
    }
}
