//! The life of a gateway, from the first connection to the end of its drain.

use super::background::{Background, either, sweep};
use super::side::{Closed, Listeners, Side};
use super::{Gateway, drain};
use crate::bridge::GatewayBridge;
use crate::control_plane::ControlPlane;
use crate::forwarding::Forwarding;
use crate::mq::Brokers;
use crate::observability::{GatewayMetrics, SelfProbe, Telling};
use crate::relay::GatewayRelay;
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

/// How long leaving the cluster may take, at most.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long brokers may take, at the end of a drain, to confirm messages of which nobody waits to hear.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);

/// How long receivers may take, at the beginning of a drain, to ack what came from brokers.
const SOURCES_TIMEOUT: Duration = Duration::from_secs(10);

/// How long edges wait at the start, until it is known what the services of other gateways take.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(2);

/// A part of the gateway has failed; the rest of it must not go on without.
#[derive(Clone, Copy, Debug, Error)]
#[error("the sweep of deadlines has failed")]
pub struct ServeError;

impl Gateway {
    /// Serves until `stop`, then drains: nobody new is let in, everyone is asked to go elsewhere, and
    /// what is in flight may end within the grace. Edges go first, so that services hear of every one of
    /// them; then the services go.
    ///
    /// # Errors
    /// [`ServeError`] if a part of the gateway fails before `stop`.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ServeError> {
        let Self {
            exchange,
            edges,
            services,
            policies,
            expiry,
            drain,
            cluster,
            member,
            forwarding,
            // Until all is over.
            carriers: _carriers,
            traces,
            mq,
            sources,
            process,
            ports,
        } = self;
        let brokers = Brokers::start(&exchange, mq);
        sources.start().await;
        let stop = either(&stop, ports.control_plane.as_ref().map(ControlPlane::drain));
        let relay = ports.relay.as_ref().map(GatewayRelay::handle);
        let of_relay = relay.iter().flat_map(|relay| relay.sinks());
        let telling = Telling::new(GatewayMetrics {
            exchange: exchange.clone(),
            contexts: [&edges, &services].map(|(_, side)| side.context().clone()),
            cluster: cluster.clone(),
            sinks: brokers.sinks().into_iter().chain(of_relay).collect(),
            sources: sources.clone(),
            self_probe: SelfProbe::new(exchange.clone()),
            process,
            runtime: Handle::current(),
            bridge: ports.bridge.as_ref().map(GatewayBridge::handle),
            relay,
            lifetimes: expiry.lifetimes(),
        });
        // All of this goes on to the end of the drain.
        let ports = ports.serve(&telling, &stop).await;
        let _background = Background {
            exchange: &exchange,
            cluster: &cluster,
            policies,
            forwarding: forwarding.as_ref(),
            expiry,
            is_member: member.is_some(),
        }
        .start();
        let leave = CancellationToken::new();
        let leaves = leave.clone();
        let mut membership = AbortOnDropHandle::new(tokio::spawn(async move {
            if let Some((member, _)) = member {
                member.run(leaves).await;
            }
        }));
        let mut sweeper = AbortOnDropHandle::new(tokio::spawn(sweep(exchange)));
        let (edges, services) = tokio::select! {
            accepted = accept(edges, services, forwarding.as_ref(), &stop) => accepted,
            _ = &mut sweeper => return Err(ServeError),
        };

        cluster.draining.set();
        let schedule = drain.schedule();
        let share = |most| schedule.share(Instant::now(), most);
        // Nothing more comes from brokers; who has a message of theirs acks it to the end.
        let close_sources = sources.close(share(SOURCES_TIMEOUT));
        let draining = drain::run(&edges.context, &services.context, &drain, schedule, &cluster.gateways);
        tokio::join!(close_sources, draining);
        ports.answer_jobs(share).await;
        // What nobody waits for is still to be confirmed.
        let within = share(CONFIRM_TIMEOUT);
        tokio::join!(brokers.close(within), ports.close_relay(within));
        if let Some(forwarding) = forwarding {
            // What is left of its links ends with the process.
            let _ = timeout(share(LEAVE_TIMEOUT), forwarding.close()).await;
        }
        leave.cancel();
        let within = share(LEAVE_TIMEOUT);
        if timeout(within, &mut membership).await.is_err() {
            warn!(
                "frontlas did not confirm within {within:?} that this gateway leaves; it will notice by itself"
            );
        }
        if let Some(traces) = traces {
            traces.close(share(LEAVE_TIMEOUT)).await;
        }
        ports.end().await;
        Ok(())
    }
}

/// Lets edges and services in until `stop`.
async fn accept(
    edges: (Listeners, Side),
    services: (Listeners, Side),
    forwarding: Option<&Forwarding>,
    stop: &CancellationToken,
) -> (Closed, Closed) {
    let accept = |(listeners, side): (Listeners, Side)| side.accept(listeners, stop.clone());
    let accept_edges = async {
        if let Some(forwarding) = forwarding {
            // Else the first of them would hear that nobody takes what they ask for.
            tokio::select! {
                _ = timeout(SETTLE_TIMEOUT, forwarding.settled()) => {}
                () = stop.cancelled() => {}
            }
        }
        accept(edges).await
    };
    tokio::join!(accept_edges, accept(services))
}
