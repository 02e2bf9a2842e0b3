//! How a connection ends: what its peer is told, and what becomes of what is in flight.

use super::context::Context;
use crate::native;
use crate::policy::Ended;
use frontier_exchange::{Failure, Peer, Stage};
use frontier_protocol::{Code, GoAway, Reject, Role};
use frontier_transport::{CloseReason, Link};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a link that is being closed may take to say so to its peer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Closes a link whose peer was not let in.
pub(super) async fn reject(context: &Context, link: Link, failure: &Failure) {
    context.counters.refused_handshake(context.role, failure.code);
    let Failure { code, detail, text } = failure;
    let closed = link.close(|out| Reject { code: *code, detail: *detail, text }.encode(out));
    // Whether the peer still hears it is up to the peer.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
}

/// Ends the link of a peer that was refused when it had joined already, before its Welcome went out.
pub(super) async fn turn_out<T>(
    context: &Context,
    role: Role,
    addr: SocketAddr,
    mut link: Link,
    failure: &Failure,
) -> Option<T> {
    drop(link.take_unsent(CloseReason::Local));
    context.policies.log_refused(role, addr, failure);
    reject(context, link, failure).await;
    None
}

/// Ends the link of `peer` and everything in flight on it.
pub(super) fn leave(context: &Context, peer: &Arc<Peer>, mut link: Link, reason: &CloseReason) {
    context.counters.ended(peer, reason);
    // Nothing is queued behind this, so what was not sent is all there.
    peer.advance(Stage::Gone);
    let unsent = link.take_unsent(reason.clone());
    context.exchange.leave(peer, &native::unsent(&unsent, false));
    let close_code = match reason {
        CloseReason::Superseded => Some(Code::Superseded),
        CloseReason::Refused(code, _) => Some(*code),
        CloseReason::Local => Some(Code::Draining),
        CloseReason::Protocol(_) => Some(Code::Protocol),
        CloseReason::Silent | CloseReason::SlowPeer | CloseReason::Kicked => Some(Code::Disconnected),
        CloseReason::Peer | CloseReason::Lost(_) => None,
    };
    if let Some(code) = close_code {
        let text = reason.to_string();
        // On its own: nobody waits for a peer that may be half open.
        context.sessions.spawn(async move {
            let closed = link.close(|out| GoAway::new(code, 0, &text).encode(out));
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
        });
    }
}

/// The line that tells of the whole of a connection.
pub(super) fn log_end(context: &Context, peer: &Peer, since: Instant, link: &Link, reason: &CloseReason) {
    let (duration, traffic) = (since.elapsed(), link.traffic());
    context.policies.log_end(Ended { peer, reason, duration, traffic });
}
