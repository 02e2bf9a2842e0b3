//! Hosts that say nothing here any more, though they are connected: another broker of the gateway has them.

use crate::dispatch::{DispatchHandle, Event};
use crate::gateway::Connected;
use bytes::Bytes;
use frontier_sdk::{Code, EdgeId};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc;

/// How many may wait to be looked at.
const WAITING: usize = 1024;

/// A method that hosts do not have: that it is missing is said by whoever is there.
const NOTHING: &str = "sessions.nothing";

/// How long a host may take to answer. One that hangs was not taken away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells the log of each host that is lost to another broker, until the dispatchers end.
pub(crate) async fn watch(dispatch: DispatchHandle, connected: Arc<OnceLock<Connected>>) {
    let (sender, mut lost) = mpsc::channel(WAITING);
    dispatch.tell(Event::Lost(sender)).await;
    // They end with their last handle.
    drop(dispatch);
    while let Some(host) = lost.recv().await {
        let Some(gateway) = connected.get() else { continue };
        if is_there(gateway, EdgeId(host.edge)).await {
            tracing::warn!(
                edge = host.edge,
                service = %host.service,
                "a host is connected, but says nothing here any more: if another broker is at the same gateway it has \
                 this host now, since brokers share the hosts of their gateway out"
            );
        }
    }
}

/// Whether it is connected and answers.
async fn is_there(gateway: &Connected, edge: EdgeId) -> bool {
    match gateway.call(edge, NOTHING, Bytes::new()).timeout(PATIENCE).await {
        Ok(_) => true,
        Err(error) => matches!(error.code(), Code::MethodNotFound | Code::Application | Code::Panicked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test]
    async fn one_that_is_connected_is_told_from_one_that_is_gone() {
        let gateway = frontier_testing::Gateway::start();
        let service = Connected::One(gateway.service("broker").connect().await.unwrap());
        let edge = gateway.edge().connect().await.unwrap();
        let id = edge.id();
        assert!(is_there(&service, id).await);
        edge.close().await.unwrap();
        let begun = Instant::now();
        while is_there(&service, id).await {
            assert!(begun.elapsed() < Duration::from_secs(60), "it is gone");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
