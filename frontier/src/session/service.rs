//! A service: it is routed to from just before its Welcome is sent.

use super::handshake::Handshake;
use super::{Arrival, Context, leave, log_end, reject, turn_out, welcome};
use crate::policy::Admission;
use frontier_access::PeerText;
use frontier_exchange::{Failure, Identity, RegistrationError, Seat, Stage};
use frontier_protocol::{Code, ServiceId};
use frontier_transport::{Link, Priority};
use tracing::info;

pub(super) fn run(
    context: &Context,
    handshake: Handshake,
    admission: Admission,
    arrival: Arrival,
    link: Link,
) -> impl Future<Output = ()> + Send {
    let network = handshake.network;
    let since = arrival.at;
    let joining = Box::pin(join(context, handshake, admission, arrival, link));
    async move {
        let Some((seat, mut link)) = joining.await else { return };
        let _connected = context.counters.connected(seat.peer(), network);
        let reason = context.native(&seat, &link).serve(&mut link).await;
        log_end(context, seat.peer(), since, &link, &reason);
        // From here on nothing is routed to it, so its names may go one by one.
        seat.peer().advance(Stage::Gone);
        Box::pin(context.exchange.unregister_all(seat.peer())).await;
        leave(context, seat.peer(), link, &reason);
    }
}

async fn join(
    context: &Context,
    handshake: Handshake,
    admission: Admission,
    arrival: Arrival,
    link: Link,
) -> Option<(Seat, Link)> {
    let (exchange, addr) = (&context.exchange, arrival.addr);
    let own = admission.service_id(exchange, &handshake.name, handshake.id);
    let (own, authorization) = match own.and_then(|own| Ok((own, admission.service(&handshake.name, addr)?)))
    {
        Ok(admitted) => admitted,
        Err(failure) => {
            let whose = (None, admission.verified.subject.as_str());
            context.policies.log_refused_as(context.role, whose, addr, &failure);
            reject(context, link, &failure).await;
            return None;
        }
    };
    let id = match (own, handshake.id) {
        (Some(own), _) => own,
        (None, 0) => allocate(|id| exchange.is_service_taken(id)),
        (None, wanted) => ServiceId(wanted),
    };
    let identity = Identity::Service { id, name: handshake.name.as_str().into() };
    let service = context.peer(identity, arrival, authorization, &handshake, &link);
    // The Welcome is queued first: nothing can come before it once the service can be routed to.
    let welcomed =
        link.handle().push(Priority::Reply, |out| welcome(context, &handshake, &service).encode(out));
    let methods: Vec<&str> = handshake.methods.iter().map(String::as_str).collect();
    let topics: Vec<&str> = handshake.topics.iter().map(String::as_str).collect();
    let joined = match welcomed {
        Ok(_) => exchange.join_service(&service, &methods, &topics),
        Err(_) => {
            context.counters.lost_handshake(context.role);
            return None;
        }
    };
    let seat = match joined {
        Ok((seat, _)) => seat,
        Err(error) => {
            let mut link = link;
            // The Welcome must not go out any more.
            drop(link.take_unsent(frontier_transport::CloseReason::Local));
            let failure = Failure::new(error.code(), error.to_string());
            match failure.code {
                // Told already, with whoever holds the id.
                _ if matches!(error, RegistrationError::Protected(_)) => {}
                Code::Denied => exchange.log_denied(&service, &failure.text),
                _ => {
                    let whose = (Some(service.number()), admission.verified.subject.as_str());
                    context.policies.log_refused_as(context.role, whose, addr, &failure);
                }
            }
            reject(context, link, &failure).await;
            return None;
        }
    };
    context.tell_if_draining(&service);
    context.close_if_closing(&service);
    if let Some(failure) = context.review(&service, &admission) {
        drop(seat);
        return turn_out(context, handshake.role, addr, link, &failure).await;
    }
    exchange.expect_life(&service);
    info!(service = id.0, name = %PeerText(service.name()), %addr, "service connected");
    Some((seat, link))
}

fn allocate(is_taken: impl Fn(ServiceId) -> bool) -> ServiceId {
    loop {
        let id = ServiceId(rand::random_range(1..=u64::MAX >> 1));
        if !is_taken(id) {
            return id;
        }
    }
}

#[cfg(test)]
mod tests;
