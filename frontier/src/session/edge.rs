use super::greeting::Greeting;
use super::{Arrival, Context, leave, log_end, reject, serve, welcome};
use crate::exchange::Failure;
use crate::peer::{Identity, Peer};
use crate::policy::Admission;
use crate::presence;
use frontier_protocol::{Code, EdgeId};
use frontier_transport::{CloseReason, Link, Priority};
use std::net::SocketAddr;
use std::sync::Arc;
use tracing::debug;

pub(super) fn run(
    context: &Context,
    greeting: Greeting,
    admission: Admission,
    arrival: Arrival,
    link: Link,
) -> impl Future<Output = ()> + Send {
    // Not an `async fn`: that keeps the room of its arguments for as long as the connection lives.
    let joining = Box::pin(join(context, greeting, admission, arrival, link));
    async move {
        let Some((claim, mut link)) = joining.await else { return };
        let edge = &claim.edge;
        let reason = serve(&context.exchange, edge, &mut link).await;
        log_end(edge, &reason);
        leave(context, edge, link, &reason);
        let timeout = context.config.edgebound.callback_timeout;
        Box::pin(presence::offline(&context.exchange, edge, timeout)).await;
    }
}

/// From the greeting to the Welcome. Everyone who must know of the edge knows before it is welcomed.
async fn join(
    context: &Context,
    mut greeting: Greeting,
    admission: Admission,
    Arrival { addr, epoch }: Arrival,
    mut link: Link,
) -> Option<(Claim<'_>, Link)> {
    let chosen = choose_id(context, &greeting, &admission, addr).await;
    let (id, access) = match chosen.and_then(|id| Ok((id, admission.edge(id, addr)?))) {
        Ok(admitted) => admitted,
        Err(failure) => {
            context.policies.log_refused(context.role, addr, &failure);
            reject(link, &failure).await;
            return None;
        }
    };
    let exchange = &context.exchange;
    let identity = Identity::Edge { id, meta: std::mem::take(&mut greeting.meta) };
    let edge = Peer::new(identity, epoch, addr, link.handle(), greeting.terms);
    let edge = Arc::new(edge.admitted(access));
    let claim = Claim { context, edge: edge.clone() };
    let predecessor = match exchange.registry.edges.claim(id, &edge) {
        Ok(predecessor) => predecessor,
        Err(superseded) => {
            reject(link, &Failure::new(Code::Superseded, superseded.to_string())).await;
            return None;
        }
    };
    if let Some(predecessor) = predecessor {
        predecessor.link.close(CloseReason::Superseded);
        // Its end is told before our beginning. That takes no word from the predecessor's peer.
        predecessor.departed.wait().await;
    }
    context.close_if_closing(&edge);
    context.review(&edge, &admission);
    let online = if edge.link.is_closed() {
        Err(ended(context, &edge))
    } else {
        presence::online(exchange, &edge, context.config.edgebound.callback_timeout).await
    };
    if let Err(failure) = online {
        if failure.code == Code::Deadline {
            // The service has the event and may yet act on it.
            presence::offline(exchange, &edge, context.config.edgebound.callback_timeout).await;
        }
        drop(claim);
        debug!(edge = %id, %addr, error = %failure.text, "edge refused");
        reject(link, &failure).await;
        return None;
    }
    let welcomed = link.handle().push(Priority::Answer, |out| welcome(context, &greeting, &edge).encode(out));
    if welcomed.is_err() || !exchange.registry.edges.publish(id, &edge) {
        presence::offline(exchange, &edge, context.config.edgebound.callback_timeout).await;
        drop(claim);
        // The Welcome must not go out any more.
        let failure = ended(context, &edge);
        drop(link.take_unsent(CloseReason::Superseded));
        reject(link, &failure).await;
        return None;
    }
    edge.hear(exchange.clock());
    context.tell_if_draining(&edge);
    debug!(edge = %id, %addr, epoch = edge.epoch.0, "edge connected");
    Some((claim, link))
}

/// An edge that holds its id. However its session ends, and be it by a panic, the end of this gives
/// the id up, fails what is in flight, and lets a successor go on.
struct Claim<'a> {
    context: &'a Context,
    edge: Arc<Peer>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let Self { context, edge } = self;
        if let Some(id) = edge.edge_id() {
            context.exchange.registry.edges.release(id, edge);
        }
        context.exchange.retire(edge, &[]);
        edge.departed.set();
    }
}

/// Why the link of an edge was closed before the edge was online.
fn ended(context: &Context, edge: &Peer) -> Failure {
    match edge.link.close_reason() {
        Some(CloseReason::Refused(code, text)) => Failure::new(code, text),
        _ => Failure::plain(if context.closing.is_set() { Code::Draining } else { Code::Superseded }),
    }
}

async fn choose_id(
    context: &Context,
    greeting: &Greeting,
    admission: &Admission,
    addr: SocketAddr,
) -> Result<EdgeId, Failure> {
    let edgebound = &context.config.edgebound;
    let own = admission.edge_id(greeting.id)?;
    let question = presence::Question { meta: &greeting.meta, verified: &admission.verified, addr };
    if let Some(id) = presence::edge_id(&context.exchange, &question, edgebound.callback_timeout).await {
        return match (id?, own) {
            (id, Some(own)) if id != own => {
                let text = "the service that gives out EdgeIDs names another one than the credentials";
                Err(Failure::new(Code::Denied, text))
            }
            (id, _) => Ok(id),
        };
    }
    if !edgebound.allocate_ids {
        return Err(Failure::new(Code::ServiceNotOnline, "no service that gives out EdgeIDs is online"));
    }
    if let Some(own) = own {
        return Ok(own);
    }
    if greeting.id != 0 && edgebound.requested_ids {
        return Ok(EdgeId(greeting.id));
    }
    let edges = &context.exchange.registry.edges;
    loop {
        // Of 63 random bits, so that ids stay apart over restarts and over gateways.
        let id = EdgeId(rand::random_range(1..=u64::MAX >> 1));
        if !edges.is_taken(id) {
            return Ok(id);
        }
    }
}

#[cfg(test)]
mod tests;
