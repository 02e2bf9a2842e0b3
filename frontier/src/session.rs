//! One connection of the native wire from its accept to its end. Its task owns the link.
//!
//! ```text
//!   handshake (Hello) ──▶ join (id, take-over, callbacks, Welcome) ──▶ serve ──▶ leave
//!         └────────────── Reject ───────────────┘
//! ```

mod context;
mod edge;
mod ending;
mod handshake;
mod notice;
mod origin_gateway;
mod service;

use crate::gate::GateError;
use crate::policy::{Admission, Policy};
use context::Arrival;
pub(crate) use context::Context;
use ending::{leave, log_end, reject, turn_out};
use frontier_exchange::Failure;
use frontier_protocol::{Code, Role};
use frontier_transport::{Accepted, Link};
use handshake::{Handshake, welcome};
pub(crate) use notice::{Alternatives, Notice};
use std::net::SocketAddr;
use std::sync::Arc;
use tracing::debug;

/// Runs a connection that came to the listener of this number to its end. It counts as come from this call on.
pub(crate) fn run(
    context: Arc<Context>,
    listener: u16,
    accepted: Accepted,
) -> impl Future<Output = ()> + Send {
    let arrival = Arrival::now(&context.exchange, accepted.peer);
    async move {
        // Boxed, so that a connection that is idle does not hold the room that its handshake took.
        let admitted = Box::pin(async {
            // Before its TLS handshake.
            let then = context.policies.current();
            let (handshake, link) = handshake::accept(&context, accepted).await?;
            admit(&context, &then, listener, handshake, arrival.addr, link).await
        });
        let Some((handshake, admission, link)) = admitted.await else { return };
        match handshake.role {
            Role::Edge => edge::run(&context, handshake, admission, arrival, link).await,
            Role::Service => service::run(&context, handshake, admission, arrival, link).await,
            // Boxed, since there are few of them: an idle edge need not have the room.
            Role::Frontier => {
                Box::pin(origin_gateway::run(&context, handshake, admission, arrival, link)).await;
            }
        }
    }
}

/// Judges the credentials of who has said Hello. `None` if that was refused.
async fn admit(
    context: &Context,
    then: &Arc<Policy>,
    listener: u16,
    mut handshake: Handshake,
    addr: SocketAddr,
    link: Link,
) -> Option<(Handshake, Admission, Link)> {
    let presented = std::mem::take(&mut handshake.presented);
    let Handshake { role, ref meta, .. } = handshake;
    match Admission::new(&context.policies, then, role, listener, addr, presented, meta) {
        Ok(admission) => Some((handshake, admission, link)),
        Err(failure) => {
            context.policies.log_failed(handshake.role, addr, &failure);
            reject(link, &failure).await;
            None
        }
    }
}

/// Tells a connection that it is one too many.
pub(crate) async fn turn_away(context: Arc<Context>, accepted: Accepted, error: GateError) {
    let addr = accepted.peer;
    if let Some((_, link)) = Box::pin(handshake::accept(&context, accepted)).await {
        debug!(%addr, %error, "turned away");
        reject(link, &Failure::new(Code::Overloaded, error.to_string())).await;
    }
}
