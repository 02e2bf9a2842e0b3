//! Another gateway that asks here for its services and edges, and is told what the services here take.

use super::handshake::Handshake;
use super::{Arrival, Connection, Context, leave, log_end, reject, turn_out};
use crate::native::{Native, RemoteCallers};
use crate::policy::Admission;
use frontier_exchange::{Exchange, Identity, Peer, Seat};
use frontier_protocol::FEATURE_BY_NAME;
use frontier_transport::CloseReason;
use std::sync::Arc;

/// Bytes of names in one offer: it fits a frame of the least limit.
const OFFER_SIZE: usize = 128 * 1024;

pub(super) async fn run(
    context: &Context,
    handshake: Handshake,
    admission: Admission,
    arrival: Arrival,
    connection: Connection,
) {
    let callers =
        RemoteCallers::new(context.policies.clone(), admission.asked_for_credentials(), arrival.addr.ip());
    let asks_by_name = handshake.features & FEATURE_BY_NAME != 0;
    let network = handshake.network;
    let joining = Box::pin(join(context, handshake, admission, arrival, connection));
    let Some((seat, mut connection)) = joining.await else { return };
    let _connected = context.counters.connected(seat.peer(), network);
    // Gateways speak our own wire among themselves.
    let Some(link) = connection.link_mut() else { return };
    let native = Native { callers: Some(Arc::new(callers)), ..context.native(&seat, link) };
    let reason = tokio::select! {
        reason = native.serve(link) => reason,
        reason = offer_names(&context.exchange, seat.peer()), if asks_by_name => reason,
    };
    log_end(context, seat.peer(), arrival.at, &connection, &reason);
    leave(context, seat.peer(), connection, &reason);
}

/// Tells the gateway what the services here take, for as long as its connection lasts. What waits to be read there is
/// bounded: the next piece follows when there is room.
async fn offer_names(exchange: &Exchange, gateway: &Peer) -> CloseReason {
    if let Some(mut names) = exchange.follow_names() {
        loop {
            names.changed().await;
            gateway.outlet().writable().await;
            let Some(some) = names.take(OFFER_SIZE) else { continue };
            match gateway.outlet().offer(&some) {
                Ok(queued) if queued.needs_wake => gateway.outlet().wake(),
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
    // The connection is closed, which its link is about to say.
    std::future::pending().await
}

async fn join(
    context: &Context,
    handshake: Handshake,
    admission: Admission,
    arrival: Arrival,
    connection: Connection,
) -> Option<(Seat, Connection)> {
    let addr = arrival.addr;
    let authorization = match admission.gateway(&handshake.name) {
        Ok(authorization) => authorization,
        Err(failure) => {
            let whose = (None, admission.verified.subject.as_str());
            context.policies.log_refused_as(handshake.role, whose, addr, &failure);
            reject(context, connection, &failure).await;
            return None;
        }
    };
    let identity = Identity::OriginGateway { id: handshake.name.as_str().into() };
    let gateway = context.peer(identity, arrival, authorization, &handshake, &connection);
    let seat = context.exchange.join_gateway(&gateway);
    if !connection.welcome(context, &handshake, &gateway) {
        context.counters.lost_handshake(context.role);
        return None;
    }
    context.close_if_closing(&gateway);
    if let Some(failure) = context.review(&gateway, &admission) {
        drop(seat);
        return turn_out(context, handshake.role, addr, connection, &failure).await;
    }
    context.policies.log_origin_gateway(&handshake.name, addr);
    Some((seat, connection))
}
