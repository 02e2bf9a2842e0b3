//! What the exchange decides, seen from outlets that record.

mod batch;
mod broker;
mod by_name;
mod counting;
mod ends;
mod fairness;
mod leave;
mod measuring;
mod once;
mod origin;
mod own_calls;
mod owner;
mod part;
mod payloads;
mod registration;
mod relocation;
mod reserved;
mod routing;
mod scale;
mod seat;
mod self_probe;
mod streams;
mod take_over;
mod threads;

use super::*;
use crate::testing::{
    self, Acceptance, MemoryLeg, Said, Sent, SentFrom, SentRequest, StreamFrom, TestPeer, acked, call, ok,
    outcome, to_edge, unacked,
};
use crate::{
    CloseReason, CorrelationId, Destination, Envelope, Failure, Found, Identity, Lookup, Outcome, Outlet,
    RequestKind, Stage,
};
use frontier_protocol::Code;
use parking_lot::Mutex;

const EDGE: u64 = 7;

/// What is elsewhere, as the test says it.
#[derive(Debug, Default)]
struct Elsewhere {
    known: Mutex<Option<Arc<Peer>>>,
    waiting: Mutex<Vec<(u64, Lookup)>>,
    forgotten: Mutex<Vec<(u64, Arc<Peer>)>>,
}

impl RemoteEdges for Elsewhere {
    fn known(&self, edge: EdgeId, _: u32) -> Option<Arc<Peer>> {
        let is_waited_for = self.waiting.lock().iter().any(|(waiting, _)| *waiting == edge.0);
        if is_waited_for { None } else { self.known.lock().clone() }
    }

    fn forget(&self, edge: EdgeId, owner: &Arc<Peer>) {
        self.forgotten.lock().push((edge.0, owner.clone()));
        self.known.lock().take();
    }

    fn look_up(&self, _: &Arc<Exchange>, edge: EdgeId, lookup: Lookup) {
        self.waiting.lock().push((edge.0, lookup));
    }
}

impl Elsewhere {
    fn waiting(&self) -> Vec<u64> {
        self.waiting.lock().iter().map(|(edge, _)| *edge).collect()
    }

    /// It is found out of all who wait where their edge is.
    fn resolve(&self, exchange: &Arc<Exchange>, found: &Result<Found, Failure>) {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        let mut batch = exchange.batch();
        for (edge, lookup) in waiting {
            lookup.resolve(exchange, EdgeId(edge), found.clone(), &mut batch);
        }
    }
}

/// In the order of the ids.
fn sorted(mut codes: Vec<(u64, Code)>) -> Vec<(u64, Code)> {
    codes.sort_by_key(|(id, _)| *id);
    codes
}
