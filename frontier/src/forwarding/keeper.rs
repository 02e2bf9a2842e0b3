//! Keeps a link to each other gateway that frontlas lists.

use super::Inner;
use super::gateway_link::GatewayLink;
use crate::cluster::{Listed, Location};
use ahash::AHashMap;
use frontier_access::PeerText;
use frontier_exchange::Exchange;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tracing::warn;

/// How long it may take to connect to those that are listed first, and to hear what their services take.
const FIRST_TIMEOUT: Duration = Duration::from_secs(5);

/// A link that is kept until this is dropped.
#[derive(Debug)]
struct Kept {
    link: Arc<GatewayLink>,
    redialling: AbortHandle,
}

impl Drop for Kept {
    /// A link that stands goes on for as long as it is of use.
    fn drop(&mut self) {
        self.redialling.abort();
        self.link.keep(false);
    }
}

/// Keeps the links of those that are listed, and lets go of those that are not any more.
pub(super) async fn run(forwarding: &Inner, exchange: &Arc<Exchange>, mut others: watch::Receiver<Listed>) {
    let mut kept: AHashMap<String, Kept> = AHashMap::new();
    loop {
        let list = others.borrow_and_update().clone();
        if let Some(list) = list {
            update(forwarding, exchange, &mut kept, &list);
            if !forwarding.settled.is_set() {
                let mut first: JoinSet<()> = kept
                    .values()
                    .map(|kept| {
                        let (link, exchange) = (kept.link.clone(), exchange.clone());
                        async move { link.settled(&exchange).await }
                    })
                    .collect();
                let settled = async { while first.join_next().await.is_some() {} };
                // One that does not tell is no reason to leave all others alone.
                let _ = tokio::time::timeout(FIRST_TIMEOUT, settled).await;
                forwarding.settled.set();
            }
        }
        // An error means that the gateway stops.
        if others.changed().await.is_err() {
            return;
        }
    }
}

fn update(
    forwarding: &Inner,
    exchange: &Arc<Exchange>,
    kept: &mut AHashMap<String, Kept>,
    list: &[Location],
) {
    let is_listed = |id: &String, kept: &Kept| {
        let endpoint = kept.link.endpoint();
        list.iter().any(|it| it.frontier == *id && it.servicebound.parse().is_ok_and(|it| *endpoint == it))
    };
    kept.retain(|id, kept| is_listed(id, kept));
    for location in list {
        if *location.frontier == *forwarding.own || kept.contains_key(&location.frontier) {
            continue;
        }
        match forwarding.links.get(location) {
            Ok(link) => {
                link.keep(true);
                // It has come, or come back.
                link.retry();
                let redialling = tokio::spawn(redial(link.clone(), exchange.clone())).abort_handle();
                kept.insert(location.frontier.clone(), Kept { link, redialling });
            }
            Err(failure) => {
                let frontier = PeerText(&location.frontier);
                warn!(%frontier, error = %PeerText(&failure.text), "no link to another gateway");
            }
        }
    }
}

/// Dials whenever there is no link.
async fn redial(link: Arc<GatewayLink>, exchange: Arc<Exchange>) {
    loop {
        match link.connect(&exchange).await {
            Ok(owner) => owner.departed().wait().await,
            Err(_) => link.pause().await,
        }
    }
}
