//! Another gateway that asks here for its services.

use super::handshake::Handshake;
use super::{Arrival, Context, leave, log_end, reject, turn_out, welcome};
use crate::native::{Native, RemoteCallers};
use crate::policy::Admission;
use frontier_exchange::{Identity, Seat};
use frontier_transport::{Link, Priority};
use std::sync::Arc;
use tracing::info;

pub(super) async fn run(
    context: &Context,
    handshake: Handshake,
    admission: Admission,
    arrival: Arrival,
    link: Link,
) {
    let callers =
        RemoteCallers::new(context.policies.clone(), admission.asked_for_credentials(), arrival.addr.ip());
    let joining = Box::pin(join(context, handshake, admission, arrival, link));
    let Some((seat, mut link)) = joining.await else { return };
    let native = Native { callers: Some(Arc::new(callers)), ..context.native(&seat, &link) };
    let reason = native.serve(&mut link).await;
    log_end(context, seat.peer(), &reason);
    leave(context, seat.peer(), link, &reason);
}

async fn join(
    context: &Context,
    handshake: Handshake,
    admission: Admission,
    arrival: Arrival,
    link: Link,
) -> Option<(Seat, Link)> {
    let addr = arrival.addr;
    let authorization = match admission.gateway(&handshake.name) {
        Ok(authorization) => authorization,
        Err(failure) => {
            context.policies.log_refused(handshake.role, addr, &failure);
            reject(link, &failure).await;
            return None;
        }
    };
    let identity = Identity::OriginGateway { id: handshake.name.as_str().into() };
    let gateway = context.peer(identity, arrival, authorization, &handshake, &link);
    let seat = context.exchange.join_gateway(&gateway);
    let welcomed =
        link.handle().push(Priority::Reply, |out| welcome(context, &handshake, &gateway).encode(out));
    if welcomed.is_err() {
        return None;
    }
    context.close_if_closing(&gateway);
    if let Some(failure) = context.review(&gateway, &admission) {
        drop(seat);
        return turn_out(context, handshake.role, addr, link, &failure).await;
    }
    info!(frontier = handshake.name, %addr, "another gateway asks here for its services");
    Some((seat, link))
}
