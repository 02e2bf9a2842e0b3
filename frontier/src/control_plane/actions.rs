//! What operators do. Each is in the audit log.

use super::queries::{find_edge, find_service};
use frontier_access::authn::OperatorRole;
use frontier_admin::{ApiError, Operator};
use frontier_exchange::{Exchange, Peer};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long an answer waits until whoever was kicked is gone. It is, in the end; but services may take their time over
/// `edge_offline`.
const GONE_TIMEOUT: Duration = Duration::from_secs(1);

/// Changes what is under way.
#[derive(Clone, Debug)]
pub(super) struct Actions {
    exchange: Arc<Exchange>,
}

impl Actions {
    pub(super) fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange }
    }

    /// Closes the connection of an edge.
    pub(super) async fn kick_edge(&self, operator: &Operator, id: u64) -> Result<(), ApiError> {
        let kick = async { self.kick(&*find_edge(&self.exchange, id)?).await };
        operator.perform(OperatorRole::Operate, "kick", &format!("edge {id}"), kick).await
    }

    /// Closes the connection of a service.
    pub(super) async fn kick_service(&self, operator: &Operator, id: u64) -> Result<(), ApiError> {
        let kick = async { self.kick(&*find_service(&self.exchange, id)?).await };
        operator.perform(OperatorRole::Operate, "kick", &format!("service {id}"), kick).await
    }

    async fn kick(&self, peer: &Peer) -> Result<(), ApiError> {
        self.exchange.kick(peer);
        // Closed it is in any case.
        let _ = timeout(GONE_TIMEOUT, peer.departed().wait()).await;
        Ok(())
    }
}
