//! Topics that go to message brokers: each sink of `mq` is a service of the exchange that takes its topics.
//!
//! ```text
//!   edge ─▶ exchange ─▶ SinkOutlet ─▶ Sink ─▶ broker
//!    ▲          ▲                       │
//!    └── ack ───┴────── Confirms ◀──────┘ (confirmed, refused)
//! ```

mod confirms;
mod courier;
mod fan_out;
mod leg;
mod metrics;
mod outlet;
mod payload;
mod sources;
mod spool_metrics;

pub(crate) use metrics::{write_metrics, write_source_metrics};
pub(crate) use sources::{Sources, complaints as source_complaints};
pub(crate) use spool_metrics::write_spool_metrics;

use confirms::Confirms;
use frontier_exchange::{Exchange, Identity, Peer, RegistrationError, Seat};
use frontier_mq::{OpenSpool, Sink, SinkConfig};
use outlet::SinkOutlet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

/// Silence of a broker is the sink's to notice.
const NO_SILENCE_LIMIT: Duration = Duration::MAX;

/// The sinks of a gateway.
#[derive(Debug, Default)]
pub(crate) struct Brokers {
    sinks: Vec<(Arc<Sink>, Seat)>,
}

impl Brokers {
    /// Starts the sinks; their topics are taken when this returns, whether their brokers are there or not.
    pub(crate) fn start(exchange: &Arc<Exchange>, configs: Vec<(SinkConfig, Option<OpenSpool>)>) -> Self {
        let sinks = configs.into_iter().filter_map(|(config, spool)| {
            let topics = config.topics.len();
            match start(exchange, &config, spool) {
                Ok(started) => {
                    info!(sink = config.name, topics, "topics go to a broker");
                    Some(started)
                }
                // Nothing of this passes the look at the configuration.
                Err(cause) => {
                    error!(sink = config.name, topics, "topics do not go to their broker: {cause}");
                    None
                }
            }
        });
        Self { sinks: sinks.collect() }
    }

    /// The sinks, for whoever asks how they are.
    pub(crate) fn sinks(&self) -> Vec<Arc<Sink>> {
        self.sinks.iter().map(|(sink, _)| sink.clone()).collect()
    }

    /// Waits until all messages are confirmed, or `within` has passed, and ends the connections.
    pub(crate) async fn close(self, within: Duration) {
        let mut closing = JoinSet::new();
        for (sink, seat) in self.sinks {
            closing.spawn(async move {
                let left = sink.close(within).await;
                if left > 0 {
                    warn!(
                        sink = sink.name(),
                        messages = left,
                        "the broker has not confirmed these messages in time"
                    );
                }
                drop(seat);
            });
        }
        closing.join_all().await;
    }
}

fn start(
    exchange: &Arc<Exchange>,
    config: &SinkConfig,
    spool: Option<OpenSpool>,
) -> Result<(Arc<Sink>, Seat), String> {
    let confirms = Arc::new(Confirms::new(exchange.clone()));
    let sink = match spool {
        None => Sink::start(config, confirms.clone()),
        Some(spool) => Sink::start_spooled(config, spool, confirms.clone()),
    };
    let sink = Arc::new(sink.map_err(|error| error.to_string())?);
    let id = crate::session::unused_service_id(exchange);
    let identity = Identity::Service { id, name: format!("mq:{}", config.name).into() };
    let outlet = Box::new(SinkOutlet::new(sink.clone(), confirms.clone(), &config.topics));
    let peer = Peer::new(identity, exchange.next_epoch(), None, outlet, NO_SILENCE_LIMIT).of_gateway();
    let peer = Arc::new(peer);
    confirms.set_peer(&peer);
    let topics: Vec<&str> = config.topics.iter().map(String::as_str).collect();
    let joined = exchange.join_service(&peer, &[], &topics);
    let (seat, _) = joined.map_err(|error: RegistrationError| error.to_string())?;
    Ok((sink, seat))
}

/// One line for each broker that is away, or takes nothing, and for each spool that can't be written.
pub(crate) fn complaints(sinks: &[Arc<Sink>]) -> Vec<String> {
    sinks.iter().flat_map(|sink| broker_complaint(sink).into_iter().chain(spool_complaints(sink))).collect()
}

fn spool_complaints(sink: &Sink) -> Vec<String> {
    let (name, Some(status)) = (sink.name(), sink.spool_status()) else { return Vec::new() };
    let failing = status.failing.map(|cause| format!("the spool of mq:{name} can't be written: {cause}"));
    let stuck = status.stuck.map(|cause| format!("dead letters of mq:{name} can't be written: {cause}"));
    failing.into_iter().chain(stuck).collect()
}

fn broker_complaint(sink: &Sink) -> Option<String> {
    let (name, status) = (sink.name(), sink.status());
    if let Some((since, cause)) = status.away {
        let since = since.as_secs();
        return Some(format!("the broker of mq:{name} is not connected for {since} s: {cause}"));
    }
    let (since, cause) = status.blocked?;
    Some(format!("the broker of mq:{name} takes nothing since {} s: {cause}", since.as_secs()))
}
