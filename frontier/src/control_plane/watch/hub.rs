//! The one follower of the registry and the one meter of the counters, for all watches.

use frontier_api::gateway::{Latency, Quantiles, Rate, Rates};
use frontier_exchange::{Change, Direction, Exchange, RateMeter, Traffic};
use frontier_metrics::Distribution;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;
use tokio::time::{MissedTickBehavior, interval};

/// So many batches of changes a watch may be behind; then it starts again with a snapshot.
const MAX_BEHIND: usize = 1024;

/// So many changes are taken at once.
const BATCH: usize = 256;

/// How often rates are told.
const RATE_INTERVAL: Duration = Duration::from_secs(1);

/// What is told to all.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// Who has come and gone.
    Changes(Arc<[Change]>),
    /// Some of that is not known.
    Missed,
    Rates(Arc<Rates>),
}

/// Tells the watches.
#[derive(Debug)]
pub(in super::super) struct Hub {
    news: broadcast::Sender<News>,
}

impl Hub {
    pub(in super::super) fn new() -> Arc<Self> {
        Arc::new(Self { news: broadcast::Sender::new(MAX_BEHIND) })
    }

    /// What is told from here on.
    pub(super) fn listen(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Follows until nobody can watch any more.
    pub(in super::super) async fn run(hub: Weak<Self>, exchange: Arc<Exchange>) {
        let follower = exchange.follow();
        exchange.follow_from_now(&follower);
        let mut meter = RateMeter::new(exchange.counters(), Instant::now());
        let mut tick = interval(RATE_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.tick().await;
        loop {
            let news = tokio::select! {
                () = follower.changed() => match follower.take(BATCH) {
                    Ok(changes) if changes.is_empty() => continue,
                    Ok(changes) => News::Changes(changes.into()),
                    Err(_) => {
                        exchange.follow_from_now(&follower);
                        News::Missed
                    }
                },
                _ = tick.tick() => News::Rates(Arc::new(rates(&exchange, &mut meter))),
            };
            let Some(hub) = hub.upgrade() else { return };
            // Nobody may watch just now.
            let _ = hub.news.send(news);
        }
    }
}

fn rates(exchange: &Exchange, meter: &mut RateMeter) -> Rates {
    let read = meter.read(exchange.counters(), Instant::now());
    let by_direction = |of: &dyn Fn(Direction) -> f64| Rate {
        to_service: of(Direction::ToService),
        to_edge: of(Direction::ToEdge),
        own: of(Direction::Own),
    };
    let begun = |traffic| Some(by_direction(&|direction| read.begun(traffic, direction)));
    let failed = |direction: Direction| {
        Traffic::ALL.map(|traffic| read.failed(traffic, direction)).iter().sum::<f64>()
    };
    Rates {
        calls: begun(Traffic::Call),
        messages: begun(Traffic::Message),
        streams: begun(Traffic::Stream),
        failed: Some(by_direction(&failed)),
        edges: u64::try_from(exchange.edge_count()).unwrap_or(u64::MAX),
        services: u64::try_from(exchange.service_count()).unwrap_or(u64::MAX),
        latency: Some(latency(&read)),
    }
}

fn latency(read: &frontier_exchange::Rates) -> Latency {
    let [to_service, to_edge] = [Direction::ToService, Direction::ToEdge].map(|way| read.calls_took(way));
    Latency {
        to_service: quantiles(&to_service),
        to_edge: quantiles(&to_edge),
        all: quantiles(&to_service.and(&to_edge)),
    }
}

/// `None` where there was nothing.
fn quantiles(took: &Distribution) -> Option<Quantiles> {
    let seconds = |share| took.quantile(share).map(|it| it.as_secs_f64());
    let count = took.count();
    Some(Quantiles {
        count,
        p50: seconds(0.5)?,
        p90: seconds(0.9)?,
        p99: seconds(0.99)?,
        p999: seconds(0.999)?,
    })
}
