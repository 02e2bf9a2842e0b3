//! The other gateways that were asked for.

use super::gateway_link::{Dialler, GatewayLink};
use crate::cluster::Location;
use ahash::AHashMap;
use frontier_exchange::Failure;
use frontier_protocol::Code;
use frontier_transport::Endpoint;
use parking_lot::Mutex;
use std::sync::Arc;

/// How many other gateways there may be.
const MAX_GATEWAYS: usize = 1024;

/// The other gateways that were asked for.
#[derive(Debug)]
pub(super) struct GatewayLinks {
    dialler: Arc<Dialler>,
    by_id: Mutex<AHashMap<Box<str>, Arc<GatewayLink>>>,
}

impl GatewayLinks {
    pub(super) fn new(dialler: Dialler) -> Self {
        Self { dialler: Arc::new(dialler), by_id: Mutex::default() }
    }

    /// The gateway of this id, as it was last asked for.
    pub(super) fn known(&self, id: &str) -> Option<Arc<GatewayLink>> {
        self.by_id.lock().get(id).cloned()
    }

    /// The gateway there. One that has another address now is another one; links to the old address end when
    /// they are of no more use.
    ///
    /// # Errors
    /// If its address can't be dialled, or there are too many.
    pub(super) fn get(&self, location: &Location) -> Result<Arc<GatewayLink>, Failure> {
        let id = &*location.frontier;
        let endpoint: Endpoint = location.servicebound.parse().map_err(|error| {
            let text = format!(
                "frontier {id} can't be reached: its advertised address for services can't be dialled: {error}"
            );
            Failure::new(Code::Internal, text)
        })?;
        let mut by_id = self.by_id.lock();
        if let Some(link) = by_id.get(id).filter(|link| *link.endpoint() == endpoint) {
            return Ok(link.clone());
        }
        if by_id.len() >= MAX_GATEWAYS {
            by_id.retain(|_, link| !link.is_unused());
        }
        if by_id.len() >= MAX_GATEWAYS {
            return Err(Failure::new(
                Code::Overloaded,
                format!("there are links to {MAX_GATEWAYS} other gateways"),
            ));
        }
        let link = GatewayLink::new(id, endpoint, self.dialler.clone());
        by_id.insert(id.into(), link.clone());
        Ok(link)
    }
}
