//! Which connections have shown who they are, and what counts the others: strangers take no place of those that have.

use crate::error::ApiError;
use frontier_access::{Crowded, GivenUp, HalfOpen, Place};
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

/// The places of a server.
pub(crate) struct Places {
    name: &'static str,
    connections: Arc<Semaphore>,
    limit: usize,
    /// For those that the guard has not let pass yet. `None` where nobody is asked.
    strangers: Option<Arc<HalfOpen>>,
}

/// What one connection holds of them.
#[derive(Debug)]
pub(crate) struct Standing {
    held: Mutex<Held>,
    given_up: GivenUp,
    connections: Arc<Semaphore>,
    limit: usize,
}

#[derive(Debug)]
enum Held {
    Stranger(#[expect(dead_code, reason = "it is given back when dropped")] Place),
    Known(#[expect(dead_code, reason = "it is given back when dropped")] OwnedSemaphorePermit),
}

impl Places {
    pub(crate) fn new(name: &'static str, limit: usize, strangers: Option<Arc<HalfOpen>>) -> Self {
        Self { name, connections: Arc::new(Semaphore::new(limit)), limit, strangers }
    }

    /// A place for a connection from this address; `None` for a proxy's, which may be there for any number of others. Where somebody is asked there always is one: then the oldest stranger
    /// gives way.
    pub(crate) fn enter(&self, ip: Option<IpAddr>) -> Option<Standing> {
        let (held, given_up) = match &self.strangers {
            None => (Held::Known(self.connections.clone().try_acquire_owned().ok()?), GivenUp::default()),
            Some(strangers) => {
                let (place, crowded) = strangers.enter_for_oldest(ip);
                if let Some(crowded) = crowded {
                    self.log(strangers, crowded);
                }
                let given_up = place.given_up();
                (Held::Stranger(place), given_up)
            }
        };
        let (connections, limit) = (self.connections.clone(), self.limit);
        Some(Standing { held: Mutex::new(held), given_up, connections, limit })
    }

    fn log(&self, strangers: &HalfOpen, crowded: Crowded) {
        let key = match crowded {
            Crowded::All(_) => "handshakes",
            Crowded::Address(_) => "handshakes_per_address",
        };
        if let Some(suppressed) = strangers.admit_line() {
            warn!(%crowded, key, suppressed, "closed the oldest connection of the {} that has shown no credentials", self.name);
        }
    }
}

impl Standing {
    /// The guard has let a request pass: from here on it counts among the connections.
    ///
    /// # Errors
    /// If there are as many of these as there may be.
    pub(crate) fn admit(&self) -> Result<(), ApiError> {
        let mut held = self.held.lock();
        if let Held::Stranger(_) = *held {
            let permit = self.connections.clone().try_acquire_owned();
            *held = Held::Known(permit.map_err(|_| ApiError::TooManyConnections(self.limit))?);
        }
        Ok(())
    }

    pub(crate) fn is_known(&self) -> bool {
        matches!(*self.held.lock(), Held::Known(_))
    }

    /// Set when its place goes to another connection.
    pub(crate) fn given_up(&self) -> GivenUp {
        self.given_up.clone()
    }
}
