//! Edges that have moved: whoever had them before is told, to close what is left of them. The later
//! connection may have been reported to another replica, so this goes by the history of changes.

use super::{Context, PATIENCE};
use crate::DirectoryError;
use crate::directory::MAX_PAGE;
use crate::model::{Change, Changes, Position};
use frontier_protocol::{EdgeId, Superseded};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// How often changes are looked for.
const INTERVAL: Duration = Duration::from_millis(200);

/// How many changes are taken at a time.
const BATCH: usize = MAX_PAGE;

/// Tells frontiers until `stop`.
pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut position = None;
    let mut fails = false;
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            () = stop.cancelled() => return,
        }
        let followed = tokio::select! {
            followed = tokio::time::timeout(PATIENCE, follow(&context, &mut position)) => followed,
            () = stop.cancelled() => return,
        };
        let error = match followed {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {PATIENCE:?}")),
        };
        if let Some(error) = error.as_ref().filter(|_| !fails) {
            warn!(%error, "the directory does not tell its changes, will try again");
        }
        fails = error.is_some();
    }
}

/// Takes all changes up to now.
async fn follow(context: &Context, position: &mut Option<Position>) -> Result<(), DirectoryError> {
    let directory = &context.directory;
    loop {
        let Some(since) = *position else {
            *position = Some(directory.position().await?);
            // What has moved before that is told by the verdicts on their snapshots.
            context.roster.ask_for_snapshots();
            return Ok(());
        };
        let changes = match directory.changes(since, BATCH).await? {
            Changes::Since(changes) => changes,
            Changes::Gone => {
                debug!("the history of changes has been cut");
                *position = None;
                continue;
            }
        };
        let Some(last) = changes.last().map(|last| last.number) else { return Ok(()) };
        let mut moved: HashMap<String, Vec<Superseded>> = HashMap::new();
        for change in changes {
            if let Change::EdgeOnline { edge, former: Some(former) } = change.change {
                let superseded = Superseded { edge: EdgeId(edge.id), stamp: former.stamp.0 };
                moved.entry(former.frontier_id).or_default().push(superseded);
            }
        }
        moved.into_iter().for_each(|(frontier, superseded)| context.roster.tell(&frontier, superseded));
        *position = Some(Position { number: last, ..since });
    }
}
