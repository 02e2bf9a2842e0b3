//! The bridge's place in the gateway: a service of the gateway itself that takes the topics of `bridge`, and a port where
//! browsers get their messages.
//!
//! ```text
//!   edge ─▶ exchange ─▶ BridgeOutlet ─▶ inbox of the topic ─▶ pump ─▶ subscribers
//!             ▲                                                │
//!             └───────── confirm: the message has its number ──┘
//! ```
//!
//! An ack says that the message has its number and is among what subscribers get. It says nothing of any browser: there may
//! be none. Nothing of it is on disk.

mod leg;
mod outlet;

use crate::observability::Telling;
use crate::policy::Policies;
use crate::session::unused_service_id;
use frontier_admin::BindError;
use frontier_bridge::{Bridge, BridgeConfig, Handle, Policy};
use frontier_exchange::{
    CorrelationId, Exchange, Identity, Inbound, Outcome, Peer, RegistrationError, Reply, RequestKind, Seat,
};
use frontier_protocol::Code;
use frontier_transport::ServerTls;
use outlet::BridgeOutlet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

/// What the service is called that takes the topics.
const NAME: &str = "frontier.bridge";

/// Why there is no bridge.
#[derive(Debug, Error)]
pub enum BridgeError {
    /// Its port did not open.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Its topics can't be taken.
    #[error("the topics of `bridge` can't be taken")]
    Topics(#[source] RegistrationError),
}

/// The bridge of a gateway, with its port open.
pub(crate) struct GatewayBridge {
    bridge: Bridge<CorrelationId>,
    exchange: Arc<Exchange>,
    policies: Arc<Policies>,
    /// Takes the topics for as long as it is there.
    seat: Seat,
}

impl GatewayBridge {
    /// Listens, and takes the topics. Subscribers wait until [`run`](Self::run).
    pub(crate) fn bind(
        config: &BridgeConfig,
        exchange: &Arc<Exchange>,
        policies: &Arc<Policies>,
    ) -> Result<Self, BridgeError> {
        let (of_access, of_enforce) = (policies.clone(), policies.clone());
        let policy = Policy {
            access: Arc::new(move || of_access.current().access.clone()),
            enforce: Arc::new(move || of_enforce.current().reload.enforce),
        };
        let (bridge, inboxes) = Bridge::bind(config, policy)?;
        let identity = Identity::Service { id: unused_service_id(exchange), name: NAME.into() };
        let outlet = Box::new(BridgeOutlet::new(inboxes, config.message_size));
        let peer = Peer::new(identity, exchange.next_epoch(), None, outlet, Duration::MAX).of_gateway();
        let joined = exchange.join_service(&Arc::new(peer), &[], &config.topic_names());
        let (seat, _) = joined.map_err(BridgeError::Topics)?;
        Ok(Self { bridge, exchange: exchange.clone(), policies: policies.clone(), seat })
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.bridge.addr()
    }

    /// Its TLS, if there is any, to be changed while it runs.
    pub(crate) fn tls(&self) -> Option<ServerTls> {
        self.bridge.tls()
    }

    /// What is counted of it.
    pub(crate) fn handle(&self) -> Handle {
        self.bridge.handle()
    }

    /// Serves subscribers until `stop`, and takes messages until it is dropped: edges publish to the end of the drain.
    pub(crate) async fn run(self, telling: &Telling, stop: CancellationToken) {
        let Self { bridge, exchange, policies, seat } = self;
        let peer = seat.peer().clone();
        let confirm = move |receipts: &mut Vec<CorrelationId>| {
            let mut batch = exchange.batch();
            for correlation in receipts.drain(..) {
                let outcome = Outcome { code: Code::Ok, detail: 0, custom: b"", payload: b"" };
                let reply = Reply { correlation, kind: RequestKind::Message, outcome, edge: None };
                // Only messages are taken, and they are replied to as such.
                let _ = exchange.on(&peer, Inbound::Reply(reply), &mut batch);
            }
        };
        let judging = judge_again(policies, bridge.handle());
        let probe = telling.probe(&[""], stop.clone()).await;
        tokio::select! {
            () = bridge.run(probe, stop, confirm) => {}
            () = judging => {}
        }
    }
}

/// Has subscribers come again after each reload by which those who are there are judged anew.
async fn judge_again(policies: Arc<Policies>, bridge: Handle) {
    let mut replaced = policies.replaced();
    while replaced.changed().await.is_ok() {
        if policies.current().reload.enforce {
            bridge.end_all();
        }
    }
    // Nothing is reloaded any more.
    std::future::pending().await
}

impl std::fmt::Debug for GatewayBridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayBridge").field("addr", &self.addr()).finish_non_exhaustive()
    }
}
