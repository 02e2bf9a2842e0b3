//! What of a running gateway a reload changes.

use crate::config::{self, AccessErrors, Config};
use crate::mq::Sources;
use crate::policy::Policies;
use frontier_access::ClockReading;
use frontier_exchange::{Exchange, Peer};
use frontier_transport::ServerTls;
use std::sync::Arc;
use tracing::warn;

/// A running gateway, as far as it can be changed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Live {
    exchange: Arc<Exchange>,
    policies: Arc<Policies>,
    /// That of the planes which have any, each with the key of its section.
    tls: Vec<(&'static str, ServerTls)>,
    sources: Sources,
}

/// What became of those who were connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// How many there were.
    pub connections: usize,
    /// How many of them would not be let in any more. They were closed if that is enforced.
    pub refused: usize,
}

impl Live {
    pub(crate) fn new(
        exchange: Arc<Exchange>,
        policies: Arc<Policies>,
        tls: Vec<(&'static str, ServerTls)>,
        sources: Sources,
    ) -> Self {
        Self { exchange, policies, tls, sources }
    }

    /// How many peers are connected.
    pub(crate) fn connections(&self) -> usize {
        let mut count = 0;
        self.exchange.for_each(|_| count += 1);
        count
    }

    /// Puts what can change at run time in place: who may connect and what they may do, and the certificates
    /// that `config` has loaded. Blocks while it reads files, and while it looks at all connections.
    ///
    /// # Errors
    /// Everything that is wrong with the files; nothing has changed then.
    pub fn reload(&self, config: &Config) -> Result<Reviewed, AccessErrors> {
        let access = config::reload(&self.policies.current().access, &config.access)?;
        for warning in config::access_warnings(&config.access, &access) {
            warn!("{warning}");
        }
        self.policies.replace(config, access);
        for (key, tls) in config.plane_tls() {
            if let Some((_, live)) = self.tls.iter().find(|(plane, _)| *plane == key) {
                live.adopt(tls);
            }
        }
        self.sources.replace(&config.mq.sources);
        let mut peers: Vec<Arc<Peer>> = Vec::new();
        self.exchange.for_each(|peer| peers.push(peer.clone()));
        let now = ClockReading::now();
        let refused = peers.iter().filter(|peer| self.policies.review(&self.exchange, peer, now).is_some());
        Ok(Reviewed { refused: refused.count(), connections: peers.len() })
    }
}
