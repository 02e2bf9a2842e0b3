//! What goes on beside the connections while a gateway runs.

use crate::cluster::{ClusterState, rebalance};
use crate::forwarding::Forwarding;
use crate::policy::{self, Policies};
use frontier_exchange::Exchange;
use frontier_transport::ExpiryLog;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

/// How often everyone is looked at, as the exchange wants it.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How late a deadline may be noticed. Callers keep their own as well.
const EXPIRY_INTERVAL: Duration = Duration::from_millis(250);

/// What the tasks work on.
pub(super) struct Background<'a> {
    pub(super) exchange: &'a Arc<Exchange>,
    pub(super) cluster: &'a Arc<ClusterState>,
    pub(super) policies: Arc<Policies>,
    pub(super) forwarding: Option<&'a Forwarding>,
    pub(super) expiry: ExpiryLog,
    pub(super) is_member: bool,
}

impl Background<'_> {
    /// Starts the tasks, which go on until the set is dropped.
    pub(super) fn start(self) -> JoinSet<()> {
        let Self { exchange, cluster, policies, forwarding, expiry, is_member } = self;
        let mut tasks = JoinSet::new();
        if is_member {
            tasks.spawn(rebalance::run(exchange.clone(), cluster.clone()));
        }
        tasks.spawn(policy::watch(policies, exchange.clone()));
        if let Some(forwarding) = forwarding.cloned() {
            let (exchange, others) = (exchange.clone(), cluster.neighbours.follow());
            tasks.spawn(async move { forwarding.keep_links(exchange, others).await });
        }
        tasks.spawn(async move { expiry.run().await });
        tasks
    }
}

/// Cancelled with the first of them.
pub(super) fn either(stop: &CancellationToken, other: Option<CancellationToken>) -> CancellationToken {
    let first = stop.child_token();
    if let Some(other) = other {
        let both = first.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = other.cancelled() => both.cancel(),
                () = both.cancelled() => {}
            }
        });
    }
    first
}

/// Looks for deadlines, sweeps, and watches those whose silence is short, until it is dropped.
pub(super) async fn sweep(exchange: Arc<Exchange>) -> (Infallible, Infallible, Infallible) {
    let expiry = async {
        let mut ticks = ticks(EXPIRY_INTERVAL);
        loop {
            ticks.tick().await;
            exchange.expire_overdue().await;
        }
    };
    let sweeps = async {
        let mut ticks = ticks(SWEEP_INTERVAL);
        loop {
            ticks.tick().await;
            exchange.sweep().await;
        }
    };
    let watch = async {
        loop {
            sleep(exchange.watch().await).await;
        }
    };
    tokio::join!(expiry, sweeps, watch)
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
