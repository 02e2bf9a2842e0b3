//! Messages without an ack that went to other gateways lately: what those may give back.

use crate::Peer;
use frontier_protocol::{EdgeId, Epoch, ServiceId};
use parking_lot::Mutex;
use std::collections::VecDeque;

/// How many are remembered, at 24 bytes each. One that comes back comes within a round trip; beyond so many in that time
/// the oldest can't come back any more.
const REMEMBERED: usize = 4096;

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    /// The connection to the other gateway.
    owner: Epoch,
    edge: EdgeId,
    service: ServiceId,
}

/// The last ones. Nobody waits for them, so no table has them.
#[derive(Debug, Default)]
pub(crate) struct Unacked(Mutex<VecDeque<Sent>>);

impl Unacked {
    /// A message of `service` for `edge` goes to `owner`.
    pub(crate) fn note(&self, owner: &Peer, edge: EdgeId, service: ServiceId) {
        let mut sent = self.0.lock();
        if sent.len() >= REMEMBERED {
            sent.pop_front();
        }
        sent.push_back(Sent { owner: owner.epoch(), edge, service });
    }

    /// Whether `owner` has such a message to give back. It has it once.
    pub(crate) fn take(&self, owner: &Peer, edge: EdgeId, service: ServiceId) -> bool {
        let wanted = Sent { owner: owner.epoch(), edge, service };
        let mut sent = self.0.lock();
        let at = sent.iter().position(|sent| *sent == wanted);
        at.is_some_and(|at| sent.remove(at).is_some())
    }
}
