use super::greeting::Greeting;
use super::{Arrival, Context, leave, log_end, reject, serve, welcome};
use crate::exchange::Failure;
use crate::peer::{Identity, Peer};
use crate::policy::Admission;
use frontier_protocol::{Code, ServiceId};
use frontier_transport::{CloseReason, Link, Priority};
use std::sync::Arc;
use tracing::info;

pub(super) fn run(
    context: &Context,
    greeting: Greeting,
    admission: Admission,
    arrival: Arrival,
    link: Link,
) -> impl Future<Output = ()> + Send {
    let joining = Box::pin(join(context, greeting, admission, arrival, link));
    async move {
        let Some((claim, mut link)) = joining.await else { return };
        let service = &claim.service;
        let reason = serve(&context.exchange, service, &mut link).await;
        log_end(service, &reason);
        context.exchange.registry.services.release(service);
        leave(context, service, link, &reason);
    }
}

/// A service that can be routed to. However its session ends, and be it by a panic, the end of this
/// takes it out and fails what is in flight.
struct Claim<'a> {
    context: &'a Context,
    service: Arc<Peer>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let Self { context, service } = self;
        context.exchange.registry.services.release(service);
        context.exchange.retire(service, &[]);
        service.departed.set();
    }
}

async fn join(
    context: &Context,
    greeting: Greeting,
    admission: Admission,
    Arrival { addr, epoch }: Arrival,
    link: Link,
) -> Option<(Claim<'_>, Link)> {
    let exchange = &context.exchange;
    let services = &exchange.registry.services;
    let own = admission.service_id(services, &greeting.name, greeting.id);
    let (own, access) = match own.and_then(|own| Ok((own, admission.service(&greeting.name, addr)?))) {
        Ok(admitted) => admitted,
        Err(failure) => {
            context.policies.log_refused(context.role, addr, &failure);
            reject(link, &failure).await;
            return None;
        }
    };
    let id = match (own, greeting.id) {
        (Some(own), _) => own,
        (None, 0) => allocate(|id| services.is_taken(id)),
        (None, wanted) => ServiceId(wanted),
    };
    let identity = Identity::Service { id, name: greeting.name.as_str().into() };
    let service = Peer::new(identity, epoch, addr, link.handle(), greeting.terms);
    let service = Arc::new(service.admitted(access));
    // The Welcome is queued first: nothing can come before it once the service can be routed to.
    let welcomed =
        link.handle().push(Priority::Answer, |out| welcome(context, &greeting, &service).encode(out));
    let methods: Vec<&str> = greeting.methods.iter().map(String::as_str).collect();
    let topics: Vec<&str> = greeting.topics.iter().map(String::as_str).collect();
    let claimed = match welcomed {
        Ok(_) => services.claim(id, &service, &methods, &topics, context.limits().service()),
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
            let failure = Failure::new(error.code(), error.to_string());
            match failure.code {
                Code::Denied => exchange.log_denied(&service, &failure.text),
                _ => context.policies.log_refused(context.role, addr, &failure),
            }
            reject(link, &failure).await;
            return None;
        }
    }
    context.tell_if_draining(&service);
    context.close_if_closing(&service);
    context.review(&service, &admission);
    service.hear(exchange.clock());
    info!(service = %id, name = service.name(), %addr, "service connected");
    Some((Claim { context, service }, link))
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
