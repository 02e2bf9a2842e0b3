//! The other gateways that were asked for.

use super::gateway_link::{Dialler, GatewayLink};
use crate::cluster::Location;
use ahash::AHashMap;
use frontier_access::{LogDecision, LogLimiter, PeerText};
use frontier_exchange::Failure;
use frontier_protocol::Code;
use frontier_transport::{Downgrade, Endpoint, EndpointError};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Instant;
use tracing::warn;

/// How many other gateways there may be.
const MAX_GATEWAYS: usize = 1024;

/// How many lines a second tell of gateways that are not dialled.
const DOWNGRADES_PER_SECOND: u32 = 1;

/// The other gateways that were asked for.
#[derive(Debug)]
pub(super) struct GatewayLinks {
    dialler: Arc<Dialler>,
    by_id: Mutex<AHashMap<Box<str>, Arc<GatewayLink>>>,
    /// For the lines of those that are not dialled.
    downgrades: LogLimiter,
}

impl GatewayLinks {
    pub(super) fn new(dialler: Dialler) -> Self {
        let downgrades = LogLimiter::new(DOWNGRADES_PER_SECOND);
        Self { dialler: Arc::new(dialler), by_id: Mutex::default(), downgrades }
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
        let endpoint = endpoint(&location.servicebound).map_err(|error| {
            let text = format!(
                "frontier {id} can't be reached: its advertised address for services can't be dialled: {error}"
            );
            Failure::new(Code::Internal, text)
        })?;
        if let Err(downgrade) = self.dialler.forward.rule().judge(&endpoint) {
            self.log_downgrade(id, &downgrade);
            let text =
                format!("frontier {id} can't be reached: {downgrade} (frontlas.forward.allow_downgrade)");
            return Err(Failure::new(Code::Internal, text));
        }
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

    /// Each request for an edge there would be a line.
    fn log_downgrade(&self, id: &str, downgrade: &Downgrade) {
        let LogDecision::Log { suppressed } = self.downgrades.admit(Instant::now()) else { return };
        let suppressed = (suppressed > 0).then_some(suppressed);
        warn!(frontier = %PeerText(id), error = %PeerText(downgrade), suppressed, "another gateway is not dialled: no \
            request reaches its edges from here");
    }
}

/// Where services reach a gateway: a URL, or `host:port` for plain TCP, as a frontlas of an earlier version tells it.
fn endpoint(servicebound: &str) -> Result<Endpoint, EndpointError> {
    match servicebound.contains("://") {
        true => servicebound.parse(),
        false => format!("tcp://{servicebound}").parse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_services_reach_a_gateway_is_a_url_or_host_and_port() {
        for (told, dialled) in [
            ("tcp://h:1", "tcp://h:1"),
            ("h:1", "tcp://h:1"),
            ("[::1]:1", "tcp://[::1]:1"),
            ("wss://h/s", "wss://h/s"),
        ] {
            assert_eq!(endpoint(told).unwrap().to_string(), dialled);
        }
        for bad in ["", "h", "ftp://h:1"] {
            endpoint(bad).unwrap_err();
        }
    }
}
