//! Edges that have moved: the frontier that had them before is told, so that it closes the superseded connection.
//! The later connection may have been reported to another replica, so this follows the history of changes.

use super::context::{Context, DIRECTORY_TIMEOUT, with_timeout};
use crate::DirectoryError;
use crate::directory::MAX_PAGE;
use crate::model::{Change, Changes, Position};
use frontier_access::PeerText;
use frontier_protocol::{EdgeId, Superseded};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// How often the directory is polled: for so long two connections of an edge may stand.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Follows the changes until `stop`.
pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let mut interval = tokio::time::interval(POLL_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut position = None;
    let mut fails = false;
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            () = stop.cancelled() => return,
        }
        let followed = tokio::select! {
            followed = with_timeout(DIRECTORY_TIMEOUT, follow(&context, &mut position)) => followed,
            () = stop.cancelled() => return,
        };
        if let Err(error) = followed.as_ref()
            && !fails
        {
            warn!(error = %PeerText(error), "can't read the changes of the directory, will try again");
        }
        fails = followed.is_err();
    }
}

/// Handles all changes up to now.
async fn follow(context: &Context, position: &mut Option<Position>) -> Result<(), DirectoryError> {
    let directory = &context.directory;
    loop {
        let Some(since) = *position else {
            *position = Some(directory.position().await?);
            // The verdicts on their snapshots name what had moved before.
            context.connections.request_snapshots();
            return Ok(());
        };
        let changes = match directory.changes(since, MAX_PAGE).await? {
            Changes::Since(changes) => changes,
            Changes::Gone => {
                debug!("the position is no longer in the history of changes, requesting snapshots");
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
        moved
            .into_iter()
            .for_each(|(frontier, superseded)| context.connections.send_superseded(&frontier, superseded));
        *position = Some(Position { number: last, ..since });
    }
}
