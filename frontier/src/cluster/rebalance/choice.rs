//! Which edges are asked to move.

use crate::cluster::Assignment;
use frontier_exchange::{Exchange, Peer, Stage};
use rand::RngExt;
use std::sync::Arc;

/// How long an edge that was asked has to go, in seconds. Until then it counts as gone.
const MOVE_TIMEOUT_S: u32 = 30;

/// How long an edge is not asked again, in seconds.
const REPEAT_AFTER_S: u32 = 120;

/// How many edges are chosen at once, in seconds of the rate: the assignment comes again before they are used up.
const CHOICE_S: u64 = 60;

/// Chooses edges to ask, in the order in which to ask them: any of those with nothing in flight, then any of
/// the others. Never one with a stream, for that would not go with it.
pub(super) fn choose(exchange: &Exchange, assignment: &Assignment, wanted: u64) -> Vec<Arc<Peer>> {
    let clock = exchange.clock();
    let mut here = 0_u64;
    exchange.for_each_edge(|edge| {
        here +=
            u64::from(edge.stage() == Stage::Online && !edge.was_asked_to_move_within(MOVE_TIMEOUT_S, clock));
    });
    let ahead = u64::from(assignment.rate).saturating_mul(CHOICE_S);
    let count = here.saturating_sub(assignment.keep).min(wanted).min(ahead);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let (mut idle, mut busy) = (Sample::new(count), Sample::new(count));
    exchange.for_each_edge(|edge| {
        if edge.stage() != Stage::Online
            || edge.was_asked_to_move_within(REPEAT_AFTER_S, clock)
            || edge.outlet().streams() > 0
        {
            return;
        }
        if edge.is_busy() { busy.offer(edge) } else { idle.offer(edge) }
    });
    let mut chosen = idle.taken;
    chosen.extend(busy.taken);
    chosen.truncate(count);
    chosen
}

/// So many of those that are offered, each with the same chance.
struct Sample {
    count: usize,
    offered: usize,
    taken: Vec<Arc<Peer>>,
}

impl Sample {
    fn new(count: usize) -> Self {
        Self { count, offered: 0, taken: Vec::new() }
    }

    fn offer(&mut self, edge: &Arc<Peer>) {
        self.offered += 1;
        if self.taken.len() < self.count {
            self.taken.push(edge.clone());
        } else if let Some(place) = self.taken.get_mut(rand::rng().random_range(0..self.offered)) {
            *place = edge.clone();
        }
    }
}
