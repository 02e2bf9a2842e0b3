//! How a connection ends: what its peer is told, and what becomes of what is in flight.

use super::connection::{Connection, close_later};
use super::context::Context;
use crate::policy::Ended;
use frontier_exchange::{Failure, Peer, Stage};
use frontier_protocol::{Code, Role};
use frontier_transport::CloseReason;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// Closes the connection of a peer that was not let in.
pub(super) async fn reject(context: &Context, connection: Connection, failure: &Failure) {
    context.counters.refused_handshake(context.role, failure.code);
    connection.reject(failure).await;
}

/// Ends the connection of a peer that was refused when it had joined already, before its Welcome went out.
pub(super) async fn turn_out<T>(
    context: &Context,
    role: Role,
    addr: SocketAddr,
    mut connection: Connection,
    failure: &Failure,
) -> Option<T> {
    connection.take_back(CloseReason::Local);
    context.policies.log_refused(role, addr, failure);
    reject(context, connection, failure).await;
    None
}

/// Ends the connection of `peer` and everything in flight on it.
pub(super) fn leave(context: &Context, peer: &Arc<Peer>, mut connection: Connection, reason: &CloseReason) {
    context.counters.ended(peer, reason);
    // Nothing is queued behind this, so what was not sent is all there.
    peer.advance(Stage::Gone);
    let unsent = connection.take_unsent(reason.clone());
    context.exchange.leave(peer, &unsent);
    close_later(context, connection, reason);
}

/// The code that the peer of a link is told at its end, if it has to be told.
pub(super) fn close_code(reason: &CloseReason) -> Option<Code> {
    match reason {
        CloseReason::Superseded => Some(Code::Superseded),
        CloseReason::Refused(code, _) => Some(*code),
        CloseReason::Local => Some(Code::Draining),
        CloseReason::Protocol(_) => Some(Code::Protocol),
        CloseReason::Silent | CloseReason::SlowPeer | CloseReason::Kicked => Some(Code::Disconnected),
        CloseReason::Peer | CloseReason::Lost(_) => None,
    }
}

/// The line that tells of the whole of a connection.
pub(super) fn log_end(
    context: &Context,
    peer: &Peer,
    since: Instant,
    connection: &Connection,
    reason: &CloseReason,
) {
    let (duration, traffic) = (since.elapsed(), connection.traffic());
    context.policies.log_end(Ended { peer, reason, duration, traffic });
}
