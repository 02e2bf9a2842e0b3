//! Edges go from frontiers with many to those with few. Each replica looks at the whole directory, comes to the
//! same numbers as the others, and tells the frontiers that are connected to it.
//!
//! What a frontier is told is how many edges to keep, and that does not change while edges move: however late
//! the counts are, it never gives more than it has too many. The directory counts an edge once, wherever it
//! is, so the mean stands while edges are under way.

mod balance;
mod config;
mod outlook;

pub use config::RebalanceConfig;

use super::{Context, PATIENCE};
use crate::DirectoryError;
use balance::Balance;
use outlook::Outlook;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// How long frontiers are waited for that come at the same time as another one.
const TOGETHER: Duration = Duration::from_millis(50);

/// Tells frontiers of each other until `stop`.
pub(super) async fn run(context: Arc<Context>, config: RebalanceConfig, stop: CancellationToken) {
    let mut ticks = interval(config.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut balance = Balance::new(config.threshold);
    let (mut fails, mut moves) = (false, 0);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // One that has just come may have to stop at once, and should know where to send its edges.
            () = context.roster.newcomer() => sleep(TOGETHER).await,
            () = stop.cancelled() => return,
        }
        if context.roster.is_empty() {
            continue;
        }
        let looked = tokio::select! {
            looked = tokio::time::timeout(PATIENCE, look(&context, &config, &mut balance)) => looked,
            () = stop.cancelled() => return,
        };
        let error = match looked {
            Ok(Ok(now)) => {
                if now > 0 && moves == 0 {
                    info!(edges = now, "edges are moved to frontiers with fewer of them");
                } else if now != moves {
                    debug!(edges = now, "edges that are still to be moved");
                }
                moves = now;
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {PATIENCE:?}")),
        };
        if let Some(error) = error.as_ref().filter(|_| !fails) {
            warn!(%error, "the directory does not tell of the frontiers, will try again");
        }
        fails = error.is_some();
    }
}

/// How many edges are to move.
async fn look(
    context: &Context,
    config: &RebalanceConfig,
    balance: &mut Balance,
) -> Result<u64, DirectoryError> {
    let frontiers = context.directory.frontiers().await?;
    let now = context.directory.time().await?;
    let outlook = Outlook::new(frontiers, now, config, balance);
    context.roster.tell_plans(|frontier| outlook.plan(frontier));
    Ok(outlook.moves())
}
