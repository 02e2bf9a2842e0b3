//! The relay's place in the gateway: its port for batch jobs and, where that is allowed, a service of the gateway itself
//! whose methods edges call to the same end.
//!
//! ```text
//!   job  ─▶ port ───────────────────────▶ Relay ─▶ broker
//!   edge ─▶ exchange ─▶ RelayOutlet ───────▲
//!              ▲             │
//!              └─── reply ───┘
//! ```

mod outlet;

use crate::observability::Telling;
use crate::policy::Policies;
use crate::session::unused_service_id;
use frontier_admin::BindError;
use frontier_exchange::{Exchange, Identity, Peer, RegistrationError, Seat};
use frontier_relay::{Handle, Relay, RelayConfig};
use frontier_transport::ServerTls;
use outlet::{METHODS, RelayOutlet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

/// What the service is called whose methods edges call.
const NAME: &str = "frontier.relay";

/// Why there is no relay.
#[derive(Debug, Error)]
pub enum RelayError {
    /// Its port did not open.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Its methods can't be offered.
    #[error("the methods of `relay` can't be offered to edges")]
    Methods(#[source] RegistrationError),
}

/// The relay of a gateway, with its port open.
#[derive(Debug)]
pub(crate) struct GatewayRelay {
    relay: Relay,
    /// Offers the methods for as long as it is there.
    seat: Option<Seat>,
}

impl GatewayRelay {
    /// Listens. Callers wait until [`run`](Self::run).
    pub(crate) fn bind(
        config: &RelayConfig,
        exchange: &Arc<Exchange>,
        policies: &Arc<Policies>,
    ) -> Result<Self, RelayError> {
        let policies = policies.clone();
        let relay = Relay::bind(config, move || policies.current().access.clone())?;
        let seat = config.edges.then(|| offer(exchange, relay.handle())).transpose();
        Ok(Self { relay, seat: seat.map_err(RelayError::Methods)? })
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.relay.addr()
    }

    /// Its TLS, if there is any, to be changed while it runs.
    pub(crate) fn tls(&self) -> Option<ServerTls> {
        self.relay.tls()
    }

    /// What can be done with it while it runs.
    pub(crate) fn handle(&self) -> Handle {
        self.relay.handle()
    }

    /// Serves jobs until `stop`, after which `served` is cancelled once all of them are answered; and edges until it is
    /// dropped.
    pub(crate) async fn run(self, telling: &Telling, stop: CancellationToken, served: CancellationToken) {
        let Self { relay, seat: _seat } = self;
        let probe = telling.probe(&["", "messagebroker.MessageBroker"], stop.clone()).await;
        relay.run(probe, stop).await;
        served.cancel();
        // To the end of the drain.
        std::future::pending::<()>().await;
    }
}

fn offer(exchange: &Arc<Exchange>, handle: Handle) -> Result<Seat, RegistrationError> {
    let identity = Identity::Service { id: unused_service_id(exchange), name: NAME.into() };
    let outlet = Arc::new(outlet::Replies::new(exchange.clone()));
    let own = Box::new(RelayOutlet::new(handle, outlet.clone()));
    let peer = Arc::new(Peer::new(identity, exchange.next_epoch(), None, own, Duration::MAX).of_gateway());
    outlet.set_peer(&peer);
    let (seat, _) = exchange.join_service(&peer, &METHODS, &[])?;
    Ok(seat)
}
