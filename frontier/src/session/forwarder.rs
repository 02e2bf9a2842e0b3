//! Another gateway that asks here for its services.

use super::greeting::Greeting;
use super::{Arrival, Context, leave, log_end, reject, serve, welcome};
use crate::forwarding::Callers;
use crate::peer::{Identity, Peer, Stage};
use crate::policy::Admission;
use frontier_transport::{Link, Priority};
use std::sync::Arc;
use tracing::info;

pub(super) async fn run(
    context: &Context,
    greeting: Greeting,
    admission: Admission,
    arrival: Arrival,
    link: Link,
) {
    let joining = Box::pin(join(context, greeting, admission, arrival, link));
    let Some((claim, mut link)) = joining.await else { return };
    let forwarder = &claim.forwarder;
    let reason = serve(&context.exchange, forwarder, &mut link).await;
    log_end(forwarder, &reason);
    leave(context, forwarder, link, &reason);
}

/// A gateway that may ask. However its session ends, and be it by a panic, the end of this takes it out and
/// drops what it has asked.
struct Claim<'a> {
    context: &'a Context,
    forwarder: Arc<Peer>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let Self { context, forwarder } = self;
        forwarder.advance(Stage::Gone);
        context.exchange.registry.frontiers.remove(forwarder);
        context.exchange.retire(forwarder, &[]);
        forwarder.departed.set();
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
    let access = match admission.frontier(&greeting.name) {
        Ok(access) => access,
        Err(failure) => {
            context.policies.log_refused(greeting.role, addr, &failure);
            reject(link, &failure).await;
            return None;
        }
    };
    let callers = Callers::new(context.policies.clone(), admission.is_shown(), addr.ip());
    let identity = Identity::Forwarder { id: greeting.name.as_str().into(), callers: Box::new(callers) };
    let forwarder = Peer::new(identity, epoch, addr, link.handle(), greeting.terms);
    let forwarder = Arc::new(forwarder.admitted(access));
    forwarder.hear(exchange.clock());
    forwarder.advance(Stage::Online);
    exchange.registry.frontiers.add(&forwarder);
    let claim = Claim { context, forwarder: forwarder.clone() };
    let welcomed =
        link.handle().push(Priority::Answer, |out| welcome(context, &greeting, &forwarder).encode(out));
    if welcomed.is_err() {
        return None;
    }
    context.close_if_closing(&forwarder);
    context.review(&forwarder, &admission);
    info!(frontier = greeting.name, %addr, "another gateway asks here for its services");
    Some((claim, link))
}
