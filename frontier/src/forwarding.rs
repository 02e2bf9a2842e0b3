//! Requests for edges and services that are connected to other gateways.
//!
//! ```text
//!   exchange ─▶ an owner that is known, whose link stands ─▶ owner gateway ─▶ edge
//!      └──────▶ look up: owner? ─▶ GatewayLink: dial ─▶ on its way
//!                         └ asks frontlas
//! ```
//!
//! This gateway is the *origin* of its services' requests, and the *owner* of the edges that are connected to it. The
//! exchange decides and waits for nothing; who must wait does so in a lookup, of which there is one for each edge,
//! under the request's own deadline.
//!
//! A link to each gateway that frontlas lists is kept (`keeper`), since over it that one tells what its services take. Where
//! a name is offered the exchange knows; nothing is looked up for it.

mod gateway_link;
mod gateway_links;
mod handshake;
mod keeper;
mod lookup;
mod owners;
mod serve;

use crate::carriers::Carriers;
use crate::cluster::{Listed, Locator};
use crate::config::{Forward, Limits};
use frontier_access::LogLimiter;
use frontier_exchange::{Exchange, Latch, Lookup, Peer, RemoteEdges};
use frontier_protocol::EdgeId;
use gateway_link::Dialler;
use gateway_links::GatewayLinks;
use owners::Owners;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Lines a second of links that begin, and of those that end.
const LINES_PER_SECOND: u32 = 10;

/// Reaches edges and services at other gateways. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Forwarding(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The id of this gateway.
    own: Box<str>,
    locator: Locator,
    owners: Owners<Lookup>,
    links: GatewayLinks,
    /// Set once it is known what the gateways take that were there at the start.
    settled: Latch,
    stop: CancellationToken,
    /// The tasks of links to other gateways.
    tasks: TaskTracker,
}

impl Forwarding {
    /// For the gateway `own`, which presents to others what `forward` says.
    pub(crate) fn new(
        own: &str,
        forward: &Forward,
        limits: &Limits,
        locator: Locator,
        carriers: Option<&Arc<Carriers>>,
    ) -> Self {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let dialler = Dialler {
            own: own.into(),
            forward: forward.clone(),
            limits: limits.clone(),
            stop: stop.clone(),
            tasks: tasks.clone(),
            carriers: carriers.cloned(),
            comings: LogLimiter::new(LINES_PER_SECOND),
            goings: LogLimiter::new(LINES_PER_SECOND),
        };
        Self(Arc::new(Inner {
            own: own.into(),
            locator,
            owners: Owners::default(),
            links: GatewayLinks::new(dialler),
            settled: Latch::default(),
            stop,
            tasks,
        }))
    }

    /// Keeps a link to each of the other gateways, as they are listed, until it is dropped.
    pub(crate) async fn keep_links(&self, exchange: Arc<Exchange>, others: watch::Receiver<Listed>) {
        keeper::run(&self.0, &exchange, others).await;
    }

    /// Waits until it is known what the services of the gateways take that are listed first.
    pub(crate) async fn settled(&self) {
        self.0.settled.wait().await;
    }

    /// Ends all links to other gateways, in good order.
    pub(crate) async fn close(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// The gateway at `location` answers by this link.
    #[cfg(test)]
    pub(crate) fn stand_in(&self, location: &crate::cluster::Location, owner: &Arc<Peer>) {
        self.0.links.get(location).unwrap().stand_in(owner);
    }
}

impl RemoteEdges for Forwarding {
    fn known(&self, edge: EdgeId, now: u32) -> Option<Arc<Peer>> {
        self.0.owners.known(edge)?.owner(now)
    }

    fn forget(&self, edge: EdgeId, owner: &Arc<Peer>) {
        self.0.owners.forget(edge, owner);
    }

    fn met(&self, gateway: &str) {
        if let Some(link) = self.0.links.known(gateway) {
            link.retry();
        }
    }

    fn look_up(&self, exchange: &Arc<Exchange>, edge: EdgeId, lookup: Lookup) {
        if let Some(hint) = self.0.owners.look_up(edge, lookup) {
            tokio::spawn(lookup::run(self.0.clone(), exchange.clone(), edge, hint));
        }
    }
}
