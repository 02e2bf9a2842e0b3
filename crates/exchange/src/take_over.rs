//! Who may take over an id that another connection holds.
//!
//! A client that connects again takes over from its old connection, which may be half open. So may anybody of the same
//! name who shows as much or more, and whoever shows that the id is its own, whatever its name: the rest waits until the
//! id is free.

use crate::claim::Claim;
use crate::{Identity, Peer};
use frontier_access::authn::Verified;
use frontier_protocol::Proof;
use std::sync::Arc;

/// How one connection comes to have the id of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TakeOver {
    /// By the same proof: the client has connected again, or another one that is as good.
    Equal,
    /// By a stronger proof: the other one had the id without a right to it.
    Stronger,
    /// By less, but the other one is closed already.
    Over,
}

impl TakeOver {
    /// How `new` may have the id of `old`.
    ///
    /// # Errors
    /// Why it may not.
    pub(crate) fn judge(new: &Peer, old: &Peer) -> Result<Self, &'static str> {
        match Self::by_proof(new, old) {
            Err(_) if old.outlet().is_closed() => Ok(Self::Over),
            judged => judged,
        }
    }

    /// Whether a connection with this claim is late enough to displace the holder in this way.
    pub(crate) fn is_due(self, claim: Claim, holder: Claim) -> bool {
        if self == Self::Stronger { claim.is_after(holder) } else { claim.displaces(holder) }
    }

    fn by_proof(new: &Peer, old: &Peer) -> Result<Self, &'static str> {
        let (mine, its) = (verified(new), verified(old));
        let (proof, other) = (proof(new, &mine), proof(old, &its));
        // Proof of a name is none of the id: it counts among those of that name only.
        if proof == Proof::Id && other < Proof::Id {
            return Ok(Self::Stronger);
        }
        if new.name() != old.name() {
            return Err("another service has this id, and another name");
        }
        if proof < other {
            return Err("this id is held by a connection with stronger credentials");
        }
        if proof > other {
            return Ok(Self::Stronger);
        }
        if proof == Proof::Subject && mine.subject != its.subject {
            return Err("this id is held by a connection with credentials of another name");
        }
        Ok(Self::Equal)
    }
}

/// What the credentials of a peer say of its id.
fn proof(peer: &Peer, verified: &Verified) -> Proof {
    let (id, name) = match peer.identity() {
        Identity::Edge { .. } => (verified.edge_id.is_some(), false),
        _ => (verified.service_id.is_some(), verified.service.is_some()),
    };
    match (id, name) {
        (true, _) => Proof::Id,
        (false, true) => Proof::Name,
        (false, false) if !verified.subject.is_empty() => Proof::Subject,
        (false, false) => Proof::None,
    }
}

/// With what a peer claims its id at other gateways: the directory weighs it as [`TakeOver`] does here.
pub(crate) fn reported_claim(peer: &Peer) -> frontier_protocol::Claim {
    let (Claim { epoch, since, .. }, verified) = (peer.claim(), verified(peer));
    let proof = proof(peer, &verified);
    // It is looked at only where there is nothing better.
    let subject = if proof == Proof::Subject { verified.subject_digest() } else { 0 };
    frontier_protocol::Claim { since, comes_back: since < epoch, proof, subject }
}

fn verified(peer: &Peer) -> Arc<Verified> {
    peer.authorization().get().map_or_else(Arc::default, |it| it.verified.clone())
}

#[cfg(test)]
mod tests;
