//! A service: it is routed to from just before its Welcome is sent.

use super::handshake::Handshake;
use super::{Arrival, Connection, Context, leave, log_end, reject, turn_out};
use crate::policy::Admission;
use frontier_exchange::{Exchange, Failure, Identity, RegistrationError, Seat, Stage};
use frontier_protocol::{Code, ServiceId};
use frontier_transport::CloseReason;

pub(super) fn run(
    context: &Context,
    handshake: Handshake,
    admission: Admission,
    arrival: Arrival,
    connection: Connection,
) -> impl Future<Output = ()> + Send {
    let network = handshake.network;
    let since = arrival.at;
    let joining = Box::pin(join(context, handshake, admission, arrival, connection));
    async move {
        let Some((seat, mut connection)) = joining.await else { return };
        let _connected = context.counters.connected(seat.peer(), network);
        let reason = connection.serve(context, &seat).await;
        log_end(context, seat.peer(), since, &connection, &reason);
        // From here on nothing is routed to it, so its names may go one by one.
        seat.peer().advance(Stage::Gone);
        Box::pin(context.exchange.unregister_all(seat.peer())).await;
        leave(context, seat.peer(), connection, &reason);
    }
}

async fn join(
    context: &Context,
    handshake: Handshake,
    admission: Admission,
    arrival: Arrival,
    connection: Connection,
) -> Option<(Seat, Connection)> {
    let (exchange, addr) = (&context.exchange, arrival.addr);
    let own = admission.service_id(exchange, &handshake.name, handshake.id);
    let (own, authorization) = match own.and_then(|own| Ok((own, admission.service(&handshake.name, addr)?)))
    {
        Ok(admitted) => admitted,
        Err(failure) => {
            let whose = (None, admission.verified.subject.as_str());
            context.policies.log_refused_as(context.role, whose, addr, &failure);
            reject(context, connection, &failure).await;
            return None;
        }
    };
    let id = match (own, handshake.id) {
        (Some(own), _) => own,
        (None, 0) => unused_service_id(exchange),
        (None, wanted) => ServiceId(wanted),
    };
    let identity = Identity::Service { id, name: handshake.name.as_str().into() };
    let service = context.peer(identity, arrival, authorization, &handshake, &connection);
    // The Welcome is queued first: nothing can come before it once the service can be routed to.
    let is_welcomed = connection.welcome(context, &handshake, &service);
    let methods: Vec<&str> = handshake.methods.iter().map(String::as_str).collect();
    let topics: Vec<&str> = handshake.topics.iter().map(String::as_str).collect();
    if !is_welcomed {
        context.counters.lost_handshake(context.role);
        return None;
    }
    let seat = match exchange.join_service(&service, &methods, &topics) {
        Ok((seat, _)) => seat,
        Err(error) => {
            let mut connection = connection;
            // The Welcome must not go out any more.
            connection.take_back(CloseReason::Local);
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
            reject(context, connection, &failure).await;
            return None;
        }
    };
    context.tell_if_draining(&service);
    context.close_if_closing(&service);
    if let Some(failure) = context.review(&service, &admission) {
        drop(seat);
        return turn_out(context, handshake.role, addr, connection, &failure).await;
    }
    exchange.expect_life(&service);
    context.policies.log_service(&service, addr);
    Some((seat, connection))
}

/// An id that no service has.
pub(crate) fn unused_service_id(exchange: &Exchange) -> ServiceId {
    loop {
        let id = ServiceId(rand::random_range(1..=u64::MAX >> 1));
        if !exchange.is_service_taken(id) {
            return id;
        }
    }
}

#[cfg(test)]
mod tests;
