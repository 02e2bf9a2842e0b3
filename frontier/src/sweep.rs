//! The one clock of all connections: deadlines, silence and slow peers are looked for in coarse sweeps,
//! so that an idle connection needs no timer of its own.

use crate::exchange::Exchange;
use crate::peer::{Peer, Wakes};
use frontier_transport::CloseReason;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::info;

/// How late a deadline may be noticed. Callers keep their own as well.
const INTERVAL: Duration = Duration::from_millis(250);

/// Sweeps until it is dropped.
pub(crate) async fn run(exchange: Arc<Exchange>) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let mut wakes = Wakes::default();
        let (now, clock) = (Instant::now(), exchange.clock());
        let slow = u32::try_from(exchange.limits.slow_peer_timeout.as_secs()).unwrap_or(u32::MAX);
        let mut peers: Vec<Arc<Peer>> = Vec::new();
        let mut collect = |peer: &Arc<Peer>| {
            check(peer, clock, slow);
            if peer.calls.lock().is_swept() {
                peers.push(peer.clone());
            }
        };
        exchange.registry.edges.for_each(&mut collect);
        exchange.registry.services.for_each(&mut collect);
        exchange.registry.frontiers.for_each(&mut collect);
        peers.extend(exchange.forwarding().map(|forwarding| forwarding.lobby().clone()));
        exchange.sweep_movers(now);
        // Answers go out after the registry's locks are given back.
        for peer in peers {
            exchange.expire(&peer, now, &mut wakes);
        }
    }
}

fn check(peer: &Peer, clock: u32, slow: u32) {
    let reason = if peer.is_silent(clock) {
        CloseReason::Silent
    } else if peer.is_stuck(clock, slow) {
        CloseReason::SlowPeer
    } else {
        return;
    };
    info!(peer = peer.wire_id(), addr = %peer.addr, %reason, "closing a connection");
    peer.link.close(reason);
}
