//! The one clock of all connections: deadlines, silence and slow peers are looked for in coarse sweeps, so that an idle
//! connection needs no timer of its own.

use crate::outlet::CloseReason;
use crate::{Exchange, Peer};
use std::sync::Arc;
use std::time::Instant;
use tracing::field::display;
use tracing::info;

impl Exchange {
    /// Looks at everyone once: fails what is overdue, closes who is silent or does not read. How late a deadline is
    /// noticed is up to how often this is called.
    ///
    /// Who was late itself calls nobody silent: what peers have sent meanwhile may not have been read.
    pub fn sweep(&self) {
        self.sweep_at(Instant::now(), self.clock());
    }

    /// The same at this time, and at this one of the exchange's clock.
    pub(crate) fn sweep_at(&self, now: Instant, clock: u32) {
        let mut batch = self.batch();
        let judges = self.punctuality.lock().sweep(now);
        let slow = u32::try_from(self.limits().slow_peer_timeout.as_secs()).unwrap_or(u32::MAX);
        let mut busy: Vec<Arc<Peer>> = Vec::new();
        let mut look = |peer: &Arc<Peer>| {
            if judges {
                close_if_dead(peer, clock, slow);
            }
            if peer.pending.lock().is_swept() {
                busy.push(peer.clone());
            }
        };
        let registry = self.registry();
        registry.edges.for_each(&mut look);
        registry.services.for_each(&mut look);
        registry.gateways.for_each(&mut look);
        busy.push(self.lobby.peer().clone());
        // Nothing is pending with it, but it may have memory to give back.
        busy.push(self.own_calls.peer().clone());
        self.sweep_relocations(now);
        // Replies go out after the registry's locks are given back.
        for peer in busy {
            self.expire(&peer, now, &mut batch);
        }
    }
}

fn close_if_dead(peer: &Peer, clock: u32, slow: u32) {
    let reason = if peer.is_silent(clock) {
        CloseReason::Silent
    } else if peer.is_stuck(clock, slow) {
        CloseReason::SlowPeer
    } else {
        return;
    };
    let addr = peer.addr().map(display);
    info!(peer = peer.number(), addr, %reason, "closing a connection");
    peer.outlet().close(reason);
}
