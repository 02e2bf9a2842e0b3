//! Peers that want to leave, and when they are let go.

use crate::{Batch, Exchange, Peer, Stage};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Exchange {
    /// From here on a service that goes elsewhere because the gateway stops stays reachable here: the edges that have
    /// not gone yet need it.
    pub fn keep_services(&self) {
        self.keeps_services.store(true, Ordering::SeqCst);
    }

    /// The edges are gone: so may the services that have only stayed for them.
    pub fn let_services_go(&self) {
        self.keeps_services.store(false, Ordering::SeqCst);
        let mut moved = Vec::new();
        self.for_each_service(|service| {
            if service.stage() == Stage::Moved {
                moved.push(service.clone());
            }
        });
        let mut batch = self.batch();
        moved.iter().for_each(|service| self.let_go(service, &mut batch));
    }

    /// The peer wants to leave; with `is_draining` because it was asked to, and has another gateway.
    pub(crate) fn on_leave(&self, peer: &Arc<Peer>, is_draining: bool, batch: &mut Batch<'_>) {
        if peer.is_owner_gateway() {
            // One that drains goes on for now, and is asked where nobody else can be. Else it is a GoAway of its own, or the
            // answer to ours.
            return peer.advance(if is_draining { Stage::Moved } else { Stage::Leaving });
        }
        if is_draining && peer.edge_id().is_some() && self.keeps_moved(peer) {
            return;
        }
        let keeps = || self.keeps_services.load(Ordering::SeqCst);
        if is_draining && peer.is_service() && keeps() {
            peer.advance(Stage::Moved);
            // Looked at again: whoever lets them go may have passed by before the stage was seen.
            if keeps() {
                return;
            }
        }
        self.let_go(peer, batch);
    }

    /// The peer gets nothing new, and the last word stands behind all it has got.
    pub fn let_go(&self, peer: &Arc<Peer>, batch: &mut Batch<'_>) {
        peer.advance(Stage::Leaving);
        let sealed = peer.outlet().seal();
        // A peer whose connection is closed has left.
        let _ = batch.queued(peer, sealed);
    }
}
