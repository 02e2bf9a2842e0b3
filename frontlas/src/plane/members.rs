//! Every frontier is told of all others: those that forward requests keep a link to each of them.

use super::context::{Context, DIRECTORY_TIMEOUT, with_timeout};
use crate::DirectoryError;
use crate::model::Frontier;
use crate::model::advertised::native;
use frontier_access::PeerText;
use frontier_protocol::{MIN_MAX_FRAME, Members, OtherMember};
use frontier_transport::{LinkHandle, Priority};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// How often it is looked who is there: a gateway that connects to another replica is known to all within that.
const INTERVAL: Duration = Duration::from_secs(1);

/// The pause after a frontier has connected: others that connect at the same time share one look.
const CONNECT_DEBOUNCE: Duration = Duration::from_millis(20);

/// How many of the others a frontier is told of.
const MAX_OTHERS: usize = 1024;

/// Bytes of others in one frame.
const MAX_BYTES: usize = MIN_MAX_FRAME as usize / 2;

/// Tells the frontiers of each other until `stop`.
pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut fails = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = context.connections.wait_for_joined() => sleep(CONNECT_DEBOUNCE).await,
            () = stop.cancelled() => return,
        }
        if context.connections.is_empty() {
            continue;
        }
        let told = tokio::select! {
            told = with_timeout(DIRECTORY_TIMEOUT, tell(&context)) => told,
            () = stop.cancelled() => return,
        };
        match &told {
            Err(error) if !fails => {
                warn!(error = %PeerText(error), "can't read from the directory which frontiers there are, will try again");
            }
            Err(error) => debug!(error = %PeerText(error), "still can't read which frontiers there are"),
            Ok(()) => {}
        }
        fails = told.is_err();
    }
}

async fn tell(context: &Context) -> Result<(), DirectoryError> {
    let mut frontiers = context.directory.frontiers().await?;
    frontiers.retain(|frontier| !frontier.draining);
    frontiers.sort_by(|a, b| a.id.cmp(&b.id));
    context.connections.send_members(stands_for(&frontiers), |own, link| send(&frontiers, own, link));
    Ok(())
}

fn stands_for(frontiers: &[Frontier]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for frontier in frontiers {
        (&frontier.id, &frontier.advertised_sb_addr).hash(&mut hasher);
    }
    hasher.finish()
}

/// Sends the frontier `own` all others. Whether it was sent; if not, the connection is over.
fn send(frontiers: &[Frontier], own: &str, link: &LinkHandle) -> bool {
    let others = frontiers.iter().filter(|frontier| frontier.id != own).take(MAX_OTHERS);
    let others = others
        .map(|it| OtherMember { frontier: &it.id, servicebound: native(&it.advertised_sb_addr) })
        .collect();
    pieces(others).iter().all(|piece| link.send(Priority::Reply, |out| piece.encode(0, out)).is_ok())
}

/// The list as frames hold it. An empty one is one frame.
fn pieces(others: Vec<OtherMember<'_>>) -> Vec<Members<'_>> {
    let mut pieces = vec![Members { is_first: true, is_last: false, others: Vec::new() }];
    let mut bytes = 0;
    for other in others {
        bytes += other.wire_len();
        if bytes > MAX_BYTES {
            bytes = other.wire_len();
            pieces.push(Members { is_first: false, is_last: false, others: Vec::new() });
        }
        if let Some(last) = pieces.last_mut() {
            last.others.push(other);
        }
    }
    if let Some(last) = pieces.last_mut() {
        last.is_last = true;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_takes_as_many_frames_as_it_needs() {
        let url = "x".repeat(2000);
        let ids: Vec<String> = (0..200).map(|n| n.to_string()).collect();
        let other = |id| OtherMember { frontier: id, servicebound: &url };
        let pieces = pieces(ids.iter().map(|id| other(id)).collect());
        assert!(pieces.len() > 2);
        let places = pieces.iter().map(|it| (it.is_first, it.is_last)).collect::<Vec<_>>();
        assert_eq!((places[0], places[1]), ((true, false), (false, false)));
        assert_eq!(places.last(), Some(&(false, true)));
        let all: Vec<&str> = pieces.iter().flat_map(|it| it.others.iter().map(|it| it.frontier)).collect();
        assert_eq!(all, ids);
        for piece in &pieces {
            let mut wire = Vec::new();
            piece.encode(0, &mut wire).unwrap();
            assert!(wire.len() < MIN_MAX_FRAME as usize);
        }
    }

    #[test]
    fn that_there_is_no_other_is_told_as_well() {
        let pieces = pieces(Vec::new());
        assert_eq!(pieces, [Members { is_first: true, is_last: true, others: Vec::new() }]);
    }
}
