//! Edges go from frontiers with many to those with few. Each replica reads the whole directory, computes the same
//! plans as the others, and sends them to the frontiers that are connected to it.
//!
//! A plan says how many edges to keep, and that does not change while edges move: however late
//! the counts are, it never gives more than it has too many. The directory counts an edge once, wherever it
//! is, so the mean stands while edges are under way.

mod balance;
mod config;
mod plan;
mod reach;

pub use config::RebalanceConfig;

use super::context::{Context, DIRECTORY_TIMEOUT, with_timeout};
use crate::DirectoryError;
use balance::Balances;
use frontier_access::PeerText;
use plan::ClusterPlan;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// The pause after a frontier has connected: others that connect at the same time share one round.
const CONNECT_DEBOUNCE: Duration = Duration::from_millis(50);

/// Sends plans until `stop`.
pub(super) async fn run(context: Arc<Context>, config: RebalanceConfig, stop: CancellationToken) {
    let mut ticks = interval(config.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut balances = Balances::new(config.threshold);
    let (mut fails, mut moves) = (false, 0);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // One that has just come may have to stop at once, and should know where to send its edges.
            () = context.connections.wait_for_new() => sleep(CONNECT_DEBOUNCE).await,
            () = stop.cancelled() => return,
        }
        if context.connections.is_empty() {
            continue;
        }
        let planned = tokio::select! {
            planned = with_timeout(DIRECTORY_TIMEOUT, send_plans(&context, &config, &mut balances)) => planned,
            () = stop.cancelled() => return,
        };
        match &planned {
            &Ok(now) => {
                if now > 0 && moves == 0 {
                    info!(edges = now, "rebalancing: edges move to frontiers with fewer of them");
                } else if now != moves {
                    debug!(edges = now, "rebalancing: edges still to be moved");
                }
                moves = now;
            }
            Err(error) if !fails => {
                warn!(error = %PeerText(error), "can't read the frontiers from the directory, will try again");
            }
            Err(_) => {}
        }
        fails = planned.is_err();
    }
}

/// Gives how many edges are to move.
async fn send_plans(
    context: &Context,
    config: &RebalanceConfig,
    balances: &mut Balances,
) -> Result<u64, DirectoryError> {
    let frontiers = context.directory.frontiers().await?;
    let now = context.directory.time().await?;
    let plan = ClusterPlan::new(frontiers, now, config, balances);
    context.connections.send_plans(|frontier| plan.of(frontier));
    Ok(plan.edges_to_move())
}
