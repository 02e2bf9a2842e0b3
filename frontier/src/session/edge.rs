use super::greeting::Greeting;
use super::{Context, leave, log_end, reject, serve, welcome, wire_heartbeat};
use crate::exchange::Failure;
use crate::peer::{Identity, Peer};
use crate::presence;
use frontier_protocol::{Code, EdgeId};
use frontier_transport::{CloseReason, Link, Priority};
use std::net::SocketAddr;
use std::sync::Arc;
use tracing::debug;

pub(super) async fn run(context: &Arc<Context>, greeting: Greeting, addr: SocketAddr, link: Link) {
    let joined = Box::pin(join(context, greeting, addr, link)).await;
    let Some((edge, mut link)) = joined else { return };
    let reason = serve(&context.exchange, &edge, &mut link).await;
    log_end(&edge, &reason);
    leave(&context.exchange, &edge, link, &reason);
    Box::pin(depart(context, &edge)).await;
}

/// From the greeting to the Welcome. Everyone who must know of the edge knows before it is welcomed.
async fn join(
    context: &Arc<Context>,
    greeting: Greeting,
    addr: SocketAddr,
    link: Link,
) -> Option<(Arc<Peer>, Link)> {
    let id = match choose_id(context, &greeting, addr).await {
        Ok(id) => id,
        Err(failure) => {
            debug!(%addr, error = %failure.text, "edge refused");
            reject(link, &failure).await;
            return None;
        }
    };
    let exchange = &context.exchange;
    let identity = Identity::Edge { id, meta: greeting.meta.clone() };
    let patience = wire_heartbeat(&greeting);
    let edge = Arc::new(Peer::new(identity, exchange.next_epoch(), addr, link.handle(), patience));
    let guard = Claim { context, edge: &edge };
    if let Some(predecessor) = exchange.registry.edges.claim(id, &edge) {
        predecessor.link.close(CloseReason::Superseded);
        // Its end is told before our beginning. That takes no word from the predecessor's peer.
        predecessor.departed.wait().await;
    }
    let online = if edge.link.is_closed() {
        Err(superseded())
    } else {
        presence::online(exchange, &edge, context.config.edgebound.callback_timeout).await
    };
    if let Err(failure) = online {
        drop(guard);
        debug!(edge = %id, %addr, error = %failure.text, "edge refused");
        reject(link, &failure).await;
        return None;
    }
    let welcomed = link.handle().push(Priority::Answer, |out| welcome(context, &greeting, &edge).encode(out));
    if welcomed.is_err() || !exchange.registry.edges.publish(id, &edge) {
        presence::offline(exchange, &edge, context.config.edgebound.callback_timeout).await;
        drop(guard);
        reject(link, &superseded()).await;
        return None;
    }
    std::mem::forget(guard);
    edge.hear(exchange.clock());
    debug!(edge = %id, %addr, epoch = edge.epoch.0, "edge connected");
    Some((edge, link))
}

/// Gives an id up again when the handshake does not succeed.
struct Claim<'a> {
    context: &'a Context,
    edge: &'a Arc<Peer>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        release(self.context, self.edge);
    }
}

fn release(context: &Context, edge: &Arc<Peer>) {
    if let Some(id) = edge.edge_id() {
        context.exchange.registry.edges.release(id, edge);
    }
    edge.departed.set();
}

fn superseded() -> Failure {
    Failure::plain(Code::Superseded)
}

/// Tells that the edge has left, and lets a successor go on.
async fn depart(context: &Context, edge: &Arc<Peer>) {
    presence::offline(&context.exchange, edge, context.config.edgebound.callback_timeout).await;
    release(context, edge);
}

async fn choose_id(context: &Context, greeting: &Greeting, addr: SocketAddr) -> Result<EdgeId, Failure> {
    let edgebound = &context.config.edgebound;
    let timeout = edgebound.callback_timeout;
    if let Some(id) = presence::edge_id(&context.exchange, &greeting.meta, addr, timeout).await {
        return id;
    }
    if greeting.id != 0 && edgebound.requested_ids {
        return Ok(EdgeId(greeting.id));
    }
    if !edgebound.allocate_ids {
        return Err(Failure::new(Code::ServiceNotOnline, "no service that gives out EdgeIDs is online"));
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
