use super::neighbour::{Dialler, Neighbour};
use crate::cluster::Location;
use crate::exchange::Failure;
use ahash::AHashMap;
use frontier_protocol::Code;
use frontier_transport::Endpoint;
use parking_lot::Mutex;
use std::sync::Arc;

/// How many other gateways there may be.
const MOST: usize = 1024;

/// The other gateways that were asked for.
#[derive(Debug)]
pub(super) struct Neighbours {
    dialler: Arc<Dialler>,
    by_id: Mutex<AHashMap<Box<str>, Arc<Neighbour>>>,
}

impl Neighbours {
    pub(super) fn new(dialler: Dialler) -> Self {
        Self { dialler: Arc::new(dialler), by_id: Mutex::default() }
    }

    /// The gateway there. One that has another address now is another one; links to the old address end when
    /// they are of no more use.
    ///
    /// # Errors
    /// If its address can't be dialled, or there are too many.
    pub(super) fn get(&self, location: &Location) -> Result<Arc<Neighbour>, Failure> {
        let id = &*location.frontier;
        let endpoint: Endpoint = location.servicebound.parse().map_err(|error| {
            let text =
                format!("frontier {id} can't be reached: its address for services is of no use: {error}");
            Failure::new(Code::Internal, text)
        })?;
        let mut by_id = self.by_id.lock();
        if let Some(neighbour) = by_id.get(id).filter(|neighbour| *neighbour.endpoint() == endpoint) {
            return Ok(neighbour.clone());
        }
        if by_id.len() >= MOST {
            by_id.retain(|_, neighbour| !neighbour.is_unused());
        }
        if by_id.len() >= MOST {
            return Err(Failure::new(Code::Overloaded, format!("there are links to {MOST} other gateways")));
        }
        let neighbour = Neighbour::new(id, endpoint, self.dialler.clone());
        by_id.insert(id.into(), neighbour.clone());
        Ok(neighbour)
    }
}
