//! An edge: everyone who must know of it knows before it is welcomed, and before its successor comes.

use super::handshake::Handshake;
use super::{Arrival, Connection, Context, leave, log_end, reject};
use crate::policy::{Admission, wire};
use frontier_exchange::presence::{self, EdgeIdRequest, NotOnline};
use frontier_exchange::{Failure, Identity, Peer, Seat};
use frontier_protocol::{Code, EdgeId, FEATURE_EDGE_METHODS};
use frontier_transport::CloseReason;
use std::net::SocketAddr;
use std::sync::Arc;
use tracing::debug;

pub(super) fn run(
    context: &Context,
    handshake: Handshake,
    admission: Admission,
    arrival: Arrival,
    connection: Connection,
) -> impl Future<Output = ()> + Send {
    let since = arrival.at;
    // Not an `async fn`: that keeps the room of its arguments for as long as the connection lives.
    let network = handshake.network;
    let joining = Box::pin(join(context, handshake, admission, arrival, connection));
    async move {
        let Some((seat, mut connection)) = joining.await else { return };
        let _connected = context.counters.connected(seat.peer(), network);
        let reason = connection.serve(context, &seat).await;
        log_end(context, seat.peer(), since, &connection, &reason);
        leave(context, seat.peer(), connection, &reason);
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
    mut connection: Connection,
) -> Option<(Seat, Connection)> {
    let addr = arrival.addr;
    let chosen = choose_id(context, &handshake, &admission, addr).await;
    let (id, authorization) = match chosen.and_then(|id| Ok((id, admission.edge(id, addr)?))) {
        Ok(admitted) => admitted,
        Err(failure) => {
            let whose = (None, admission.verified.subject.as_str());
            context.policies.log_refused_as(context.role, whose, addr, &failure);
            reject(context, connection, &failure).await;
            return None;
        }
    };
    let (exchange, callback_timeout) = (&context.exchange, context.edge_ids.callback_timeout);
    let identity = Identity::Edge { id, meta: std::mem::take(&mut handshake.meta) };
    let edge = context.peer(identity, arrival, authorization, &handshake, &connection);
    let (seat, predecessor) = match exchange.join_edge(&edge) {
        Ok(joined) => joined,
        Err(error) => {
            reject(context, connection, &Failure::new(error.code(), error.to_string())).await;
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
        untold(ended(context, &connection))
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
        reject(context, connection, &failure).await;
        return None;
    }
    tell_methods(context, &mut handshake, &edge, addr);
    if !connection.welcome(context, &handshake, &edge) || !seat.publish() {
        presence::offline(exchange, &edge, callback_timeout).await;
        drop(seat);
        // The Welcome must not go out any more.
        let failure = ended(context, &connection);
        connection.take_back(CloseReason::Superseded);
        reject(context, connection, &failure).await;
        return None;
    }
    exchange.expect_life(&edge);
    context.tell_if_draining(&edge);
    debug!(edge = id.0, %addr, network = wire(&edge), epoch = edge.epoch().0, "edge connected");
    Some((seat, connection))
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

/// Why the connection of an edge was closed before the edge was online.
fn ended(context: &Context, connection: &Connection) -> Failure {
    match connection.close_reason() {
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
