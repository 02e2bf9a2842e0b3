//! One connection from its accept to its end, on whichever wire. Its task owns it.
//!
//! ```text
//!   handshake (Hello) ──▶ join (id, take-over, callbacks, Welcome) ──▶ serve ──▶ leave
//!         └────────────── Reject ───────────────┘
//! ```

mod bypass;
mod connection;
mod context;
mod counters;
mod edge;
mod ending;
mod handshake;
mod newcomer;
mod notice;
mod origin_gateway;
mod service;

use crate::gate::Permit;
use crate::policy::Admission;
use connection::Connection;
use context::Arrival;
pub(crate) use context::Context;
pub(crate) use counters::label;
use ending::{leave, log_end, reject, turn_out};
use frontier_exchange::Failure;
use frontier_protocol::{Code, Role};
use handshake::{Come, Handshake};
pub(crate) use newcomer::Newcomer;
pub(crate) use notice::{Alternatives, Notice};
use std::sync::Arc;

/// A peer that was let in.
struct Admitted {
    handshake: Handshake,
    admission: Admission,
    connection: Connection,
    /// Where it comes from, which may have taken a proxy to tell.
    arrival: Arrival,
    permit: Permit,
}

/// Runs a connection to its end, or hands it to a thread that does. It counts as come from this call on.
pub(crate) fn run(context: Arc<Context>, newcomer: Newcomer) -> impl Future<Output = ()> + Send {
    let roams = newcomer.accepted.incoming.roams();
    let arrival = Arrival::now(&context.exchange, newcomer.accepted.peer);
    // Boxed, so that a connection that is idle does not hold the room that its handshake took.
    let admitting = Box::pin(admit(context.clone(), newcomer, arrival));
    async move {
        let Some(admitted) = admitting.await else { return };
        match &context.carriers {
            Some(carriers) if roams => {
                carriers.carry(context.sessions.track_future(serve(context.clone(), admitted)));
            }
            _ => serve(context, admitted).await,
        }
    }
}

/// From the join to the end. What was admitted is boxed: a future has room for what it is given for as long as it lives.
#[expect(clippy::manual_async_fn, reason = "that keeps room for its arguments twice")]
fn serve(context: Arc<Context>, admitted: Box<Admitted>) -> impl Future<Output = ()> + Send {
    async move {
        let Admitted { handshake, admission, connection, arrival, permit } = *admitted;
        // Given back when the connection ends.
        let _permit = permit;
        match handshake.role {
            Role::Edge => edge::run(&context, handshake, admission, arrival, connection).await,
            Role::Service => service::run(&context, handshake, admission, arrival, connection).await,
            // Boxed, since there are few of them: an idle edge need not have the room.
            Role::Frontier => {
                Box::pin(origin_gateway::run(&context, handshake, admission, arrival, connection)).await;
            }
        }
    }
}

/// From the accept to what the peer's credentials say. `None` if that was refused. Only who has passed takes a
/// place among the connections.
async fn admit(context: Arc<Context>, newcomer: Newcomer, arrival: Arrival) -> Option<Box<Admitted>> {
    // Before its TLS handshake.
    let then = context.policies.current();
    let listener = newcomer.listener;
    let (mut handshake, connection, addr, _held) = match handshake::accept(&context, newcomer).await? {
        Come::Peer(handshake, connection, addr, held) => (handshake, connection, addr, held),
        Come::Foreign(carrier, addr, held) => {
            bypass::run(&context, carrier, addr, held).await;
            return None;
        }
    };
    let presented = std::mem::take(&mut handshake.presented);
    let Handshake { role, ref meta, .. } = handshake;
    let admission = match Admission::new(&context.policies, &then, role, listener, addr, presented, meta) {
        Ok(admission) => admission,
        Err(failure) => {
            context.policies.log_failed(handshake.role, addr, &failure);
            reject(&context, connection, &failure).await;
            return None;
        }
    };
    match context.gate.enter(addr.ip()) {
        Ok(permit) => {
            let arrival = Arrival { addr, ..arrival };
            Some(Box::new(Admitted { handshake, admission, connection, arrival, permit }))
        }
        Err(error) => {
            context.counters.refused(error.key());
            let error = error.to_string();
            context.policies.log_turned_away(handshake.role, addr, &error);
            reject(&context, connection, &Failure::new(Code::Overloaded, error)).await;
            None
        }
    }
}
