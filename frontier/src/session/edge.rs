//! An edge: everyone who must know of it knows before it is welcomed, and before its successor comes.

use super::handshake::Handshake;
use super::{Arrival, Context, leave, log_end, reject, welcome};
use crate::policy::Admission;
use frontier_exchange::presence::{self, EdgeIdRequest, NotOnline};
use frontier_exchange::{Failure, Identity, Peer, Seat};
use frontier_protocol::{Code, EdgeId, FEATURE_EDGE_METHODS};
use frontier_transport::{CloseReason, Link, LinkHandle, Priority};
use std::net::SocketAddr;
use std::sync::Arc;
use tracing::debug;

pub(super) fn run(
    context: &Context,
    handshake: Handshake,
    admission: Admission,
    arrival: Arrival,
    link: Link,
) -> impl Future<Output = ()> + Send {
    let since = arrival.at;
    // Not an `async fn`: that keeps the room of its arguments for as long as the connection lives.
    let network = handshake.network;
    let joining = Box::pin(join(context, handshake, admission, arrival, link));
    async move {
        let Some((seat, mut link)) = joining.await else { return };
        let _connected = context.counters.connected(seat.peer(), network);
        let reason = context.native(&seat, &link).serve(&mut link).await;
        log_end(context, seat.peer(), since, &link, &reason);
        leave(context, seat.peer(), link, &reason);
        let timeout = context.edge_ids.callback_timeout;
        Box::pin(presence::offline(&context.exchange, seat.peer(), timeout)).await;
    }
}

/// From the handshake to the Welcome.
async fn join(
    context: &Context,
    mut handshake: Handshake,
    admission: Admission,
    arrival: Arrival,
    mut link: Link,
) -> Option<(Seat, Link)> {
    let addr = arrival.addr;
    let chosen = choose_id(context, &handshake, &admission, addr).await;
    let (id, authorization) = match chosen.and_then(|id| Ok((id, admission.edge(id, addr)?))) {
        Ok(admitted) => admitted,
        Err(failure) => {
            let whose = (None, admission.verified.subject.as_str());
            context.policies.log_refused_as(context.role, whose, addr, &failure);
            reject(context, link, &failure).await;
            return None;
        }
    };
    let (exchange, callback_timeout) = (&context.exchange, context.edge_ids.callback_timeout);
    let identity = Identity::Edge { id, meta: std::mem::take(&mut handshake.meta) };
    let edge = context.peer(identity, arrival, authorization, &handshake, &link);
    let (seat, predecessor) = match exchange.join_edge(&edge) {
        Ok(joined) => joined,
        Err(error) => {
            reject(context, link, &Failure::new(error.code(), error.to_string())).await;
            return None;
        }
    };
    if let Some(predecessor) = predecessor {
        // Its end is told before our beginning. That takes no word from the predecessor's peer.
        predecessor.departed().wait().await;
    }
    context.close_if_closing(&edge);
    let untold = |failure| Err(NotOnline { failure, may_be_told: false });
    let online = if let Some(failure) = context.review(&edge, &admission) {
        untold(failure)
    } else if edge.outlet().is_closed() {
        untold(ended(context, &link.handle()))
    } else {
        presence::online(exchange, &edge, callback_timeout).await
    };
    if let Err(NotOnline { failure, may_be_told }) = online {
        if may_be_told {
            // The service has the event and may yet act on it.
            presence::offline(exchange, &edge, callback_timeout).await;
        }
        drop(seat);
        let whose = (Some(id.0), admission.verified.subject.as_str());
        context.policies.log_refused_as(context.role, whose, addr, &failure);
        reject(context, link, &failure).await;
        return None;
    }
    tell_methods(context, &mut handshake, &edge, addr);
    let welcomed = link.handle().push(Priority::Reply, |out| welcome(context, &handshake, &edge).encode(out));
    if welcomed.is_err() || !seat.publish() {
        presence::offline(exchange, &edge, callback_timeout).await;
        drop(seat);
        // The Welcome must not go out any more.
        let failure = ended(context, &link.handle());
        drop(link.take_unsent(CloseReason::Superseded));
        reject(context, link, &failure).await;
        return None;
    }
    exchange.expect_life(&edge);
    context.tell_if_draining(&edge);
    debug!(edge = id.0, %addr, epoch = edge.epoch().0, "edge connected");
    Some((seat, link))
}

/// Notes what methods the edge has told of. Where there is no room for them the edge may register no others either.
fn tell_methods(context: &Context, handshake: &mut Handshake, edge: &Arc<Peer>, addr: SocketAddr) {
    let methods = std::mem::take(&mut handshake.methods);
    let methods: Vec<&str> = methods.iter().map(String::as_str).collect();
    if let Err(error) = context.exchange.add_methods(edge, &methods) {
        context.exchange.log_unlisted(addr, &error);
        handshake.features &= !FEATURE_EDGE_METHODS;
    }
}

/// Why the link of an edge was closed before the edge was online.
fn ended(context: &Context, link: &LinkHandle) -> Failure {
    match link.close_reason() {
        Some(CloseReason::Refused(code, text)) => Failure::new(code, text),
        _ => Failure::plain(if context.closing.is_set() { Code::Draining } else { Code::Superseded }),
    }
}

async fn choose_id(
    context: &Context,
    handshake: &Handshake,
    admission: &Admission,
    addr: SocketAddr,
) -> Result<EdgeId, Failure> {
    let (exchange, edge_ids) = (&context.exchange, &context.edge_ids);
    let own = admission.edge_id(handshake.id)?;
    let request = EdgeIdRequest { meta: &handshake.meta, verified: &admission.verified, addr };
    if let Some(id) = presence::edge_id(exchange, &request, edge_ids.callback_timeout).await {
        return match (id?, own) {
            (id, Some(own)) if id != own => {
                let text = "the service that gives out EdgeIDs names another one than the credentials";
                Err(Failure::new(Code::Denied, text))
            }
            (id, _) => Ok(id),
        };
    }
    if !edge_ids.allocate {
        return Err(Failure::new(Code::ServiceNotOnline, "no service that gives out EdgeIDs is online"));
    }
    if let Some(own) = own {
        return Ok(own);
    }
    if handshake.id != 0 && edge_ids.requested {
        return Ok(EdgeId(handshake.id));
    }
    loop {
        // Of 63 random bits, so that ids stay apart over restarts and over gateways.
        let id = EdgeId(rand::random_range(1..=u64::MAX >> 1));
        if !exchange.is_edge_taken(id) {
            return Ok(id);
        }
    }
}

#[cfg(test)]
mod tests;
