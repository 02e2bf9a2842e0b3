use super::greeting::Greeting;
use super::{Context, leave, log_end, reject, serve, welcome, wire_heartbeat};
use crate::exchange::Failure;
use crate::peer::{Identity, Peer};
use frontier_protocol::{Code, ServiceId};
use frontier_transport::{CloseReason, Link, Priority};
use std::net::SocketAddr;
use std::sync::Arc;
use tracing::info;

pub(super) async fn run(context: &Arc<Context>, greeting: Greeting, addr: SocketAddr, link: Link) {
    let joined = Box::pin(join(context, greeting, addr, link)).await;
    let Some((service, mut link)) = joined else { return };
    let reason = serve(&context.exchange, &service, &mut link).await;
    log_end(&service, &reason);
    context.exchange.registry.services.release(&service);
    leave(&context.exchange, &service, link, &reason);
    service.departed.set();
}

async fn join(
    context: &Arc<Context>,
    greeting: Greeting,
    addr: SocketAddr,
    link: Link,
) -> Option<(Arc<Peer>, Link)> {
    let exchange = &context.exchange;
    let services = &exchange.registry.services;
    let id = match greeting.id {
        0 => allocate(|id| services.is_taken(id)),
        wanted => ServiceId(wanted),
    };
    let identity = Identity::Service { id, name: greeting.name.as_str().into() };
    let patience = wire_heartbeat(&greeting);
    let service = Arc::new(Peer::new(identity, exchange.next_epoch(), addr, link.handle(), patience));
    // The Welcome is queued first: nothing can come before it once the service can be routed to.
    let welcomed =
        link.handle().push(Priority::Answer, |out| welcome(context, &greeting, &service).encode(out));
    let topics: Vec<&str> = greeting.topics.iter().map(String::as_str).collect();
    let claimed = match welcomed {
        Ok(_) => services.claim(id, &service, &topics, context.limits().service()),
        Err(_) => return None,
    };
    match claimed {
        Ok(predecessor) => {
            if let Some(predecessor) = predecessor {
                predecessor.link.close(CloseReason::Superseded);
            }
        }
        Err(error) => {
            let mut link = link;
            // The Welcome must not go out any more.
            drop(link.take_unsent(CloseReason::Local));
            reject(link, &Failure::new(Code::TooLarge, error.to_string())).await;
            return None;
        }
    }
    service.hear(exchange.clock());
    info!(service = %id, name = service.name(), %addr, "service connected");
    Some((service, link))
}

fn allocate(is_taken: impl Fn(ServiceId) -> bool) -> ServiceId {
    loop {
        let id = ServiceId(rand::random_range(1..=u64::MAX >> 1));
        if !is_taken(id) {
            return id;
        }
    }
}
