//! What the exchange says in the log of its peers: escaped and clipped, and a few lines a second of each kind.

use crate::outlet::CloseReason;
use crate::{Exchange, Identity, Peer, RegistrationError};
use frontier_access::{LogDecision, LogLimiter, PeerText};
use frontier_protocol::EdgeId;
use std::net::SocketAddr;
use std::time::Instant;
use tracing::field::display;
use tracing::{debug, info, warn};

/// Lines a second of each kind.
const LINES_PER_SECOND: u32 = 10;

/// The limits of each kind of line.
#[derive(Debug)]
pub(crate) struct LogLimits {
    denials: LogLimiter,
    closings: LogLimiter,
    moves: LogLimiter,
    callbacks: LogLimiter,
    take_overs: LogLimiter,
    defences: LogLimiter,
    unasked: LogLimiter,
    unlisted: LogLimiter,
}

impl LogLimits {
    pub(crate) fn new() -> Self {
        let limiter = || LogLimiter::new(LINES_PER_SECOND);
        Self {
            denials: limiter(),
            closings: limiter(),
            moves: limiter(),
            callbacks: limiter(),
            take_overs: limiter(),
            defences: limiter(),
            unasked: limiter(),
            unlisted: limiter(),
        }
    }
}

/// How many were left out before this one, if this one may be said.
fn admit(limiter: &LogLimiter) -> Option<u64> {
    match limiter.admit(Instant::now()) {
        LogDecision::Log { suppressed } => Some(suppressed),
        LogDecision::Suppress => None,
    }
}

impl Exchange {
    /// `peer` was denied something: nobody may hear of it otherwise, as of a message without an ack.
    pub fn log_denied(&self, peer: &Peer, error: &str) {
        let Some(suppressed) = admit(&self.log_limits.denials) else { return };
        let (addr, error) = (peer.addr().map(display), PeerText(error));
        info!(peer = peer.number(), addr, %error, suppressed, "denied");
    }

    /// For who looks closer: the line at the end of the connection gives the reason too.
    pub(crate) fn log_closed(&self, peer: &Peer, reason: &CloseReason) {
        let Some(suppressed) = admit(&self.log_limits.closings) else { return };
        let (addr, reason) = (peer.addr().map(display), PeerText(reason));
        debug!(peer = peer.number(), addr, %reason, suppressed, "closing a connection");
    }

    /// Another gateway gave back what it was not asked for. It may do so in a loop.
    pub(crate) fn log_unasked(&self, from: &Peer, edge: EdgeId) {
        let Some(suppressed) = admit(&self.log_limits.unasked) else { return };
        let frontier = PeerText(from.name());
        warn!(%frontier, edge = edge.0, suppressed, "dropped what another gateway gave back: it was not asked for that");
    }

    /// What an edge at `addr` has told with its handshake is not kept: the edge is let in all the same, and hears no reason.
    pub fn log_unlisted(&self, addr: SocketAddr, error: &RegistrationError) {
        let Some(suppressed) = admit(&self.log_limits.unlisted) else { return };
        warn!(%addr, %error, suppressed, "the methods that an edge tells of are not listed");
    }

    pub(crate) fn log_moved(&self, edge: &Peer) {
        let Some(suppressed) = admit(&self.log_limits.moves) else { return };
        let addr = edge.addr().map(display);
        info!(edge = edge.number(), addr, suppressed, "edge has moved to another frontier");
    }

    pub(crate) fn log_held(&self, edge: &Peer) {
        let Some(suppressed) = admit(&self.log_limits.defences) else { return };
        let (addr, subject) = (edge.addr().map(display), subject(edge));
        let subject = PeerText(&subject);
        info!(
            edge = edge.number(), addr, %subject, suppressed,
            "an edge may not displace the connection that holds its id at another frontier: that came since, or has \
             stronger credentials"
        );
    }

    /// A service has not taken a callback about `edge`.
    pub(crate) fn log_callback(&self, method: &str, edge: &Peer, error: &str) {
        let Some(suppressed) = admit(&self.log_limits.callbacks) else { return };
        let error = PeerText(error);
        warn!(edge = edge.number(), %error, suppressed, "{method} was not taken");
    }

    /// `new` has the id of `old` from here on.
    pub(crate) fn log_take_over(&self, new: &Peer, old: &Peer, is_stronger: bool) {
        let Some(suppressed) = admit(&self.log_limits.take_overs) else { return };
        let by = if is_stronger { "stronger credentials" } else { "the same proof" };
        let (addr, old_addr) = (new.addr().map(display), old.addr().map(display));
        let (subject, old_subject) = (subject(new), subject(old));
        let (subject, old_subject) = (PeerText(&subject), PeerText(&old_subject));
        let (id, kind) = (new.number(), kind(new));
        info!(
            id, addr, %subject, old_addr, %old_subject, suppressed,
            "a newer connection took over the id of another {kind} by {by}"
        );
    }

    /// `new` wanted the id of `old`, and does not get it.
    pub(crate) fn log_defence(&self, new: &Peer, old: &Peer, error: &str) {
        let Some(suppressed) = admit(&self.log_limits.defences) else { return };
        let (addr, old_addr) = (new.addr().map(display), old.addr().map(display));
        let (subject, old_subject) = (subject(new), subject(old));
        let (subject, old_subject) = (PeerText(&subject), PeerText(&old_subject));
        let (id, kind) = (new.number(), kind(new));
        info!(id, addr, %subject, old_addr, %old_subject, error, suppressed, "{kind} refused");
    }
}

/// Whose credentials the peer has shown, and its name; empty if it has neither.
fn subject(peer: &Peer) -> String {
    let subject = peer.authorization().get().map(|it| it.verified.subject.clone()).unwrap_or_default();
    match peer.name() {
        "" => subject,
        name if subject.is_empty() => name.to_owned(),
        name => format!("{subject}, {name}"),
    }
}

fn kind(peer: &Peer) -> &'static str {
    match peer.identity() {
        Identity::Edge { .. } => "edge",
        Identity::Service { .. } => "service",
        _ => "frontier",
    }
}

#[cfg(test)]
mod tests;
