use super::Exchange;
use crate::peer::{Peer, Stage, Wakes};
use frontier_protocol::{Code, GoAway};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Exchange {
    /// From here on a service that goes elsewhere because the gateway stops stays reachable here: the
    /// edges that have not gone yet need it.
    pub(crate) fn keep_services(&self) {
        self.keeps_services.store(true, Ordering::SeqCst);
    }

    /// The edges are gone: so may the services that have only stayed for them.
    pub(crate) fn let_services_go(&self) {
        self.keeps_services.store(false, Ordering::SeqCst);
        let mut moved = Vec::new();
        self.registry.services.for_each(|service| {
            if service.stage() == Stage::Moved {
                moved.push(service.clone());
            }
        });
        let mut wakes = Wakes::default();
        moved.iter().for_each(|service| Self::let_go(service, &mut wakes));
    }

    /// The peer wants to leave.
    pub(super) fn on_go_away(&self, peer: &Arc<Peer>, code: Code, wakes: &mut Wakes) {
        if peer.is_holder() {
            // A farewell, or the answer to ours.
            return peer.advance(Stage::Leaving);
        }
        if code == Code::Draining && peer.edge_id().is_some() && self.keeps_mover(peer) {
            return;
        }
        let keeps = || self.keeps_services.load(Ordering::SeqCst);
        if code == Code::Draining && peer.is_service() && keeps() {
            peer.advance(Stage::Moved);
            // Looked at again: whoever lets them go may have passed by before the stage was seen.
            if keeps() {
                return;
            }
        }
        Self::let_go(peer, wakes);
    }

    /// The peer gets nothing new, and the last word stands behind all it has got.
    pub(crate) fn let_go(peer: &Peer, wakes: &mut Wakes) {
        peer.advance(Stage::Leaving);
        let _ = wakes.seal(&peer.link, |out| GoAway::new(Code::Ok, 0, "").encode(out));
    }
}
