//! Which edges are asked to move.

use crate::cluster::Assignment;
use frontier_exchange::{Exchange, Peer, Stage};
use rand::RngExt;
use std::sync::Arc;

/// How long an edge has to go. Until then it counts as gone, in seconds.
const PENDING: u32 = 30;

/// How long an edge that has not gone is left alone, in seconds.
const ALONE: u32 = 120;

/// Edges chosen at once, in seconds of the rate: assignment come again before they are used up.
const AHEAD: u64 = 60;

/// Chooses edges to ask, in the order in which to ask them: any of those with nothing in flight, then any of
/// the others. Never one with a stream, for that would not go with it.
pub(super) fn choose(exchange: &Exchange, assignment: &Assignment, wanted: u64) -> Vec<Arc<Peer>> {
    let clock = exchange.clock();
    let mut here = 0_u64;
    exchange.for_each_edge(|edge| {
        here += u64::from(edge.stage() == Stage::Online && !edge.was_asked_to_move_within(PENDING, clock));
    });
    let ahead = u64::from(assignment.rate).saturating_mul(AHEAD);
    let count = here.saturating_sub(assignment.keep).min(wanted).min(ahead);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let (mut idle, mut busy) = (Sample::new(count), Sample::new(count));
    exchange.for_each_edge(|edge| {
        if edge.stage() != Stage::Online
            || edge.was_asked_to_move_within(ALONE, clock)
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
