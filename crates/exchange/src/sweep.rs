//! The one clock of all connections: silence and slow peers are looked for in coarse sweeps, so that an idle connection
//! needs no timer of its own. A sweep goes in slices, between which others run.

use crate::census::Outboxes;
use crate::outlet::CloseReason;
use crate::turn::let_others_run;
use crate::{Exchange, Peer, Stage};
use std::sync::Arc;
use std::time::Instant;

/// Peers that are looked at without a pause. Those of one shard of the edges come on top of it: a few hundred, at a
/// million edges.
pub(crate) const PEERS_PER_SLICE: usize = 256;

/// How far a sweep has come.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// The shard of edges that is next.
    Edges(usize),
    /// The service that was last.
    Services(Option<u64>),
    /// The connection with another gateway that was last.
    Gateways(Option<u64>),
    Done,
}

impl Exchange {
    /// Looks at everyone once: closes who is silent or does not read; but silence that is short is left to the
    /// [watch](Self::watch). It is due once a second. No slice takes longer than some hundreds of peers do.
    ///
    /// Who was late itself calls nobody silent: what peers have sent meanwhile may not have been read.
    ///
    /// # Cancel safety
    /// Cancel safe: the others are looked at by the next one.
    pub async fn sweep(&self) {
        self.sweep_at(Instant::now(), self.millis()).await;
    }

    /// The same, with silence judged as at this time, and at this one of the exchange's clock, in
    /// milliseconds.
    pub(crate) async fn sweep_at(&self, now: Instant, clock: u64) {
        let judges = self.punctuality.lock().sweep(now);
        let clock = judges.then_some(clock);
        let mut place = Place::Edges(0);
        let mut outboxes = Outboxes::default();
        while !matches!(place, Place::Done) {
            place = self.sweep_slice(place, clock, &mut outboxes).0;
            let_others_run().await;
        }
        *self.outboxes.lock() = outboxes;
        self.sweep_relocations(Instant::now());
    }

    /// One slice: where the next one begins, and how many peers this one has looked at. Without the time of the
    /// exchange's clock nobody is called silent.
    fn sweep_slice(&self, mut place: Place, clock: Option<u64>, outboxes: &mut Outboxes) -> (Place, usize) {
        let slow = u32::try_from(self.limits().slow_peer_timeout.as_secs()).unwrap_or(u32::MAX);
        let mut looked_at = 0;
        while looked_at < PEERS_PER_SLICE && !matches!(place, Place::Done) {
            let (peers, next) = self.peers_from(place, PEERS_PER_SLICE - looked_at);
            // No lock of the registry is held meanwhile.
            for peer in &peers {
                let backlog = peer.outlet().backlog();
                outboxes.note(backlog);
                if let Some(clock) = clock {
                    self.close_if_dead(peer, clock, slow, backlog);
                }
            }
            looked_at += peers.len();
            place = next;
        }
        (place, looked_at)
    }

    /// The peers of that place, `count` of them or a shard, and the place behind them.
    fn peers_from(&self, place: Place, count: usize) -> (Vec<Arc<Peer>>, Place) {
        let registry = self.registry();
        match place {
            Place::Edges(shard) => match registry.edges.shard_of(shard) {
                Some(edges) => (edges, Place::Edges(shard + 1)),
                None => (Vec::new(), Place::Services(None)),
            },
            Place::Services(after) => {
                let services = registry.services.some(after, count);
                let last = services.last().map(|service| service.number());
                (services, last.map_or(Place::Gateways(None), |last| Place::Services(Some(last))))
            }
            Place::Gateways(after) => {
                let gateways = registry.gateways.some(after, count);
                let last = gateways.last().map(|gateway| gateway.epoch().0);
                (gateways, last.map_or(Place::Done, |last| Place::Gateways(Some(last))))
            }
            Place::Done => (Vec::new(), Place::Done),
        }
    }

    fn close_if_dead(&self, peer: &Peer, clock: u64, slow: u32, backlog: usize) {
        // One that was closed stands in the registry until services have heard of its end.
        if peer.outlet().is_closed() || peer.stage() == Stage::Gone {
            return;
        }
        let reason = if peer.is_silent(clock) && !peer.liveness().needs_watch() {
            CloseReason::Silent
        } else if peer.is_stuck(u32::try_from(clock / 1000).unwrap_or(u32::MAX), slow, backlog) {
            CloseReason::SlowPeer
        } else {
            return;
        };
        self.log_closed(peer, &reason);
        peer.outlet().close(reason);
    }
}

#[cfg(test)]
mod tests;
