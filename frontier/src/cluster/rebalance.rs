//! Gives edges to gateways that have fewer, as frontlas assigns it. An edge is asked, and stays if it can't go.

mod choice;

use super::{Assignment, ClusterState};
use choice::choose;
use frontier_exchange::{Departure, Exchange, Peer, Stage};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

/// How long what is in flight at the old connection may take.
const DRAIN_GRACE: Duration = Duration::from_secs(3600);

/// How long it may take until an edge that was asked to go somewhere is counted there.
const COUNT_LAG: Duration = Duration::from_secs(3);

/// The shortest pause between two edges: shorter ones are made up for by several at once.
const MIN_PAUSE: Duration = Duration::from_millis(20);

/// Asks edges to move, until this is dropped or the gateway drains.
pub(crate) async fn run(exchange: Arc<Exchange>, state: Arc<ClusterState>) {
    let mut assignment = state.gateways.follow();
    let mut recent = RecentMoves::default();
    loop {
        // An error means that the state is gone, which this holds.
        if assignment.changed().await.is_err() || state.draining.is_set() {
            return;
        }
        let now = assignment.borrow_and_update().clone();
        let wants = recent.subtract(&now);
        let wanted: u64 = wants.iter().fold(0, |sum, want| sum.saturating_add(*want));
        if wanted == 0 || now.keep == u64::MAX {
            continue;
        }
        let (looks, ordered) = (exchange.clone(), now.clone());
        // Many edges take their time, and the runtime may have one thread.
        let chosen = tokio::task::spawn_blocking(move || choose(&looks, &ordered, wanted)).await;
        match chosen {
            Ok(chosen) if chosen.is_empty() => {}
            Ok(chosen) => {
                let asked =
                    request_moves(&exchange, &state, &now, wants, chosen, &mut assignment, &mut recent).await;
                info!(edges = asked, keep = now.keep, "asked edges to move to frontiers with fewer of them");
            }
            Err(error) => warn!(%error, "no edges were chosen to move"),
        }
    }
}

/// Where edges were sent a moment ago. The counts that a new assignment is made from may not have them yet.
#[derive(Default)]
struct RecentMoves(VecDeque<(Instant, String)>);

impl RecentMoves {
    fn add(&mut self, url: &str) {
        self.0.push_back((Instant::now(), url.to_owned()));
    }

    /// What the others want, less what they will have got.
    fn subtract(&mut self, assignment: &Assignment) -> Vec<u64> {
        self.0.retain(|(when, _)| when.elapsed() < COUNT_LAG);
        let to = |url: &str| self.0.iter().filter(|(_, sent)| sent == url).count() as u64;
        assignment.others.iter().map(|other| other.want.saturating_sub(to(&other.edgebound))).collect()
    }
}

/// Asks one edge after the other to move, until there is another assignment. How many were asked.
async fn request_moves(
    exchange: &Exchange,
    state: &ClusterState,
    assignment: &Assignment,
    mut wants: Vec<u64>,
    chosen: Vec<Arc<Peer>>,
    news: &mut watch::Receiver<Arc<Assignment>>,
    recent: &mut RecentMoves,
) -> usize {
    let start = Instant::now();
    let mut asked = 0;
    for edge in chosen {
        let due = start + Duration::from_secs_f64(asked as f64 / f64::from(assignment.rate.max(1)));
        if due > Instant::now() {
            let step = due.max(Instant::now() + MIN_PAUSE);
            tokio::select! {
                _ = news.changed() => {
                    // The loop is to see it, too.
                    news.mark_changed();
                    return asked;
                }
                () = state.draining.wait() => return asked,
                () = sleep_until(step) => {}
            }
        }
        // It may have gone, or have opened a stream.
        if edge.stage() != Stage::Online || edge.outlet().streams() > 0 {
            continue;
        }
        let Some(place) =
            (0..wants.len()).max_by_key(|place| wants[*place]).filter(|place| wants[*place] > 0)
        else {
            break;
        };
        wants[place] -= 1;
        asked += 1;
        edge.note_asked_to_move(exchange.clock());
        let url = &assignment.others[place].edgebound;
        recent.add(url);
        send(&edge, url);
    }
    asked
}

fn send(edge: &Peer, url: &str) {
    let departure = Departure {
        grace: DRAIN_GRACE,
        delay: Duration::ZERO,
        alternatives: &[url],
        stays: true,
        text: "another gateway has more room",
    };
    // An edge whose link is closed is on its way out already.
    if edge.outlet().go_away(&departure).is_ok_and(|queued| queued.needs_wake) {
        edge.outlet().wake();
    }
}

#[cfg(test)]
mod tests;
