//! Looking for one edge, for all who wait for it.

use super::Inner;
use super::gateway_link::GatewayLink;
use crate::cluster::LocateError;
use frontier_exchange::{Exchange, Failure, Found, Peer};
use frontier_protocol::{Code, EdgeId};
use std::sync::Arc;

/// Looks for an edge, and tells all who wait for it, in the order in which they came.
pub(super) async fn run(
    forwarding: Arc<Inner>,
    exchange: Arc<Exchange>,
    edge: EdgeId,
    hint: Option<Arc<GatewayLink>>,
) {
    // However this ends, nobody waits for ever.
    let mut resolution =
        Resolution { forwarding: &forwarding, exchange: &exchange, edge, owner: None, found: None };
    let found = find(&forwarding, &exchange, edge, hint).await;
    resolution.found = Some(match found {
        Ok(Some((link, owner))) => {
            resolution.owner = Some(link);
            Ok(Found::At(owner))
        }
        Ok(None) => Ok(Found::Here),
        Err(failure) => Err(failure),
    });
}

struct Resolution<'a> {
    forwarding: &'a Inner,
    exchange: &'a Arc<Exchange>,
    edge: EdgeId,
    owner: Option<Arc<GatewayLink>>,
    found: Option<Result<Found, Failure>>,
}

impl Drop for Resolution<'_> {
    fn drop(&mut self) {
        let found = self.found.take().unwrap_or_else(|| Err(Failure::plain(Code::Internal)));
        loop {
            let lookups = self.forwarding.owners.settle(self.edge, self.owner.as_ref());
            if lookups.is_empty() {
                return;
            }
            let mut batch = self.exchange.batch();
            for lookup in lookups {
                lookup.resolve(self.exchange, self.edge, found.clone(), &mut batch);
            }
        }
    }
}

/// Where the edge is, with a link to there; `None` if that is here.
async fn find(
    forwarding: &Inner,
    exchange: &Arc<Exchange>,
    edge: EdgeId,
    hint: Option<Arc<GatewayLink>>,
) -> Result<Option<(Arc<GatewayLink>, Arc<Peer>)>, Failure> {
    let mut unreachable = None;
    if let Some(hint) = hint {
        match hint.connect(exchange).await {
            Ok(owner) => return Ok(Some((hint, owner))),
            // The edge may have left there with all others.
            Err(failure) => unreachable = Some((hint, failure)),
        }
    }
    let location = match forwarding.locator.locate(edge).await {
        Ok(Some(location)) if *location.frontier == *forwarding.own => return Ok(None),
        Ok(Some(location)) => location,
        Ok(None) => return Err(Failure::edge_not_online(edge)),
        Err(error) => return Err(unreachable.map_or_else(|| unlocated(edge, error), |(_, failure)| failure)),
    };
    let link = forwarding.links.get(&location)?;
    match unreachable {
        Some((hint, failure)) if Arc::ptr_eq(&hint, &link) => Err(failure),
        _ => link.connect(exchange).await.map(|owner| Some((link, owner))),
    }
}

fn unlocated(edge: EdgeId, error: LocateError) -> Failure {
    let code = match error {
        LocateError::Overloaded => Code::Overloaded,
        LocateError::Unreachable | LocateError::Timeout | LocateError::Failed(_) => Code::Internal,
    };
    Failure::new(code, format!("edge {edge} is not online here, and where else can't be told: {error}"))
}
